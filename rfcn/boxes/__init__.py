"""Boxes in NumPy: anchors, proposals, position-sensitive pooling, and what is detected.

A box is x1, y1, x2, y2 in pixels, where x2 and y2 are the last pixel inside: as in py-R-FCN, its
width is x2 - x1 + 1.
"""
