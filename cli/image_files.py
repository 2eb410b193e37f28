"""Image files that commands read."""

from pathlib import Path

from cli.console import UsageError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".webp", ".tif", ".tiff")
"""Endings of the files in a folder that are taken for images."""


def image_files(folder: Path) -> list[Path]:
    """The images in a folder by name, those of its subfolders left out.

    Raises
    ------
    UsageError : there is no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}; give one with images")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not found:
        raise UsageError(f"there is no image in {folder}; give a folder with .jpg or .png files")
    return found
