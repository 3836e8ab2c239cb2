#!/usr/bin/env python3
"""Write src/data/digits.bin from scikit-learn's copy of the digits data set.

    python3 tools/export-digits.py          # writes the file
    python3 tools/export-digits.py --check  # compares, writes nothing

The 1,797 images are the test part of "Optical Recognition of Handwritten Digits" by E. Alpaydin and C. Kaynak (UCI
Machine Learning Repository, 1998, CC BY 4.0), 8 x 8 pixels with values 0..16.

Layout, little endian: the number of images n (4 bytes); n labels (1 byte each); n masks (8 bytes each, bit i set where
pixel i is not 0); then for every set bit, in order, the pixel less one as a nibble, low nibble first, over all images
without gaps.
"""

import argparse
import struct
import sys
from pathlib import Path

from sklearn.datasets import load_digits

TARGET = Path(__file__).resolve().parent.parent / "src" / "data" / "digits.bin"


def encode():
    digits = load_digits()
    images = digits.data.astype(int).tolist()
    labels = digits.target.astype(int).tolist()
    masks, nibbles = bytearray(), []
    for image in images:
        mask = 0
        for index, pixel in enumerate(image):
            if not 0 <= pixel <= 16:
                raise SystemExit(f"pixel {pixel} is outside 0..16")
            if pixel:
                mask |= 1 << index
                nibbles.append(pixel - 1)
        masks += struct.pack("<Q", mask)
    if len(nibbles) % 2:
        nibbles.append(0)
    packed = bytes(low | high << 4 for low, high in zip(nibbles[0::2], nibbles[1::2]))
    return struct.pack("<I", len(images)) + bytes(labels) + bytes(masks) + packed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare with the file, write nothing")
    args = parser.parse_args()
    data = encode()
    if args.check:
        same = TARGET.is_file() and TARGET.read_bytes() == data
        print(f"{TARGET.name}: {'same' if same else 'DIFFERS'}")
        return 0 if same else 1
    TARGET.write_bytes(data)
    print(f"{TARGET.name}: {len(data)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
