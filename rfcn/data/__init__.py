"""Images with boxes: PASCAL VOC and the rendered shapes, batches of them, and their evaluation.

A box is x1, y1, x2, y2 in pixels from 0, where x2 and y2 are the last pixel inside: its width is
x2 - x1 + 1. Label 1 is the first class, label 0 the background. Images are (height, width).
"""
