#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes huffman_table.h: src/protocol/http2/huffman_table.py >src/protocol/http2/huffman_table.h

The code of RFC 7541 Appendix B is canonical: codes of one length are consecutive and in the order
of their symbols, and go on where those of the length before ended. So the lengths say it all.
"""

BITS = 11  # of the table's index; two of the commonest letters take 10 to 12
EOS = 256
RUNS = (  # (length, how many symbols in a row have it), from symbol 0 to EOS
    "13 23 28*7 24 30 28*2 30 28*8 30 28*9 "
    "6 10 10 12 13 6 8 11 10 10 8 11 8 6 6 6 5*3 6*7 7 8 15 6 12 10 "
    "13 6 7*22 8 7 8 13 19 13 14 6 15 5 6 5 6 5 6 6 6 5 7 7 6 6 6 5 6 7 6 5 5 6 7*5 15 11 14 13 28 "
    "20 22 20 20 22 22 22 23 22 23*5 24 23 24 24 22 23 24 23*4 21 22 23 22 23 23 24 22 21 20 22 22 "
    "23 23 21 23 22 22 24 21 22 23 23 21 21 22 21 23 22 23 23 20 22 22 22 23 22 22 23 "
    "26 26 20 19 22 23 22 25 26 26 26 27 27 26 24 25 19 21 26 27 27 26 27 24 21 21 26 26 28 27 27 27 "
    "20 24 20 21 22 21 21 23 22 22 25 25 24 24 26 23 26 27 26 26 27*5 28 27*5 26 30")


def lengths():
    for run in RUNS.split():
        length, _, times = run.partition("*")
        yield from [int(length)] * int(times or 1)


def canonical(of):
    """Each symbol's code: {symbol: (code, length)}."""
    codes, code, before = {}, 0, 0
    for length, symbol in sorted((length, symbol) for symbol, length in enumerate(of)):
        code <<= length - before
        codes[symbol] = (code, length)
        code, before = code + 1, length
    assert code == 1 << before, "the lengths are those of no complete code"
    return codes


def short_entries(codes):
    """What a table index begins with: [(symbol, length)], at most two."""
    one = {}
    for symbol, (code, length) in codes.items():
        if length <= BITS:
            for rest in range(1 << (BITS - length)):
                one[code << (BITS - length) | rest] = (symbol, length)
    for index in range(1 << BITS):
        if index not in one:
            yield []
            continue
        first = one[index]
        second = one.get(index << first[1] & ((1 << BITS) - 1))
        yield [first, second] if second and first[1] + second[1] <= BITS else [first]


def packed(entry):
    if not entry:
        return 0
    symbols = [symbol for symbol, _ in entry] + [0]
    bits = sum(length for _, length in entry)
    return symbols[0] | symbols[1] << 8 | bits << 16 | len(entry) << 22 | entry[0][1] << 24


def rows(numbers, form, columns):
    for at in range(0, len(numbers), columns):
        print("\t" + " ".join(form % number + "," for number in numbers[at:at + columns]))


def main():
    of = list(lengths())
    assert len(of) == EOS + 1
    codes = canonical(of)
    by_length = [sorted(s for s in codes if codes[s][1] == length) for length in range(31)]
    long_symbols = [s for length in range(BITS + 1, 31) for s in by_length[length]]
    print("/* SPDX-License-Identifier: Apache-2.0 */\n"
          "/* Written by huffman_table.py: the code of RFC 7541 Appendix B. Private to huffman.c. */\n"
          "/* clang-format off */")
    print(f"#define HUFFMAN_BITS {BITS}\n\n"
          "/* By the next bits: symbol, second symbol << 8, bits of both << 16, how many they are << 22, bits of\n"
          " * the first << 24; 0 where the first is longer. */\n"
          f"static const uint32_t huffman_short[1 << HUFFMAN_BITS] = {{")
    rows([packed(entry) for entry in short_entries(codes)], "0x%08x", 8)
    print("};\n\n/* Longer codes, by length: the first code past that length, left-aligned to 32 bits, and what\n"
          " * to add to a code to have its place in huffman_long. */\n"
          "static const struct {\n\tuint32_t end;\n\tint32_t offset;\n} huffman_lengths[] = {")
    place = 0
    for length in range(BITS + 1, 31):
        symbols = by_length[length]
        if symbols:
            first = codes[symbols[0]][0]
            end = (first + len(symbols)) << (32 - length)
            print(f"\t[{length} - HUFFMAN_BITS - 1] = {{ 0x{min(end, 0xffffffff):08x}, {place - first} }},")
        place += len(symbols)
    print("};\n\n/* The last, 256, is EOS. */\nstatic const uint16_t huffman_long[] = {")
    rows(long_symbols, "%d", 16)
    print("};\n/* clang-format on */")


main()
