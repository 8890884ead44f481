#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes src/pipeline/letter_pairs.h from words.txt (both named on the command line).

The table holds, for each pair of neighbouring letters of a word, how surprising the second is
after the first: -16 * log2 of its share among all that follow the first, 0 to 255. Beginning and
end of a word count as a 27th letter. A word whose pairs are more surprising on average than
LIMIT looks like gibberish; words of the list that do so all the same are known by name. A
paragraph that begins with `!` is not learned from.
"""
import math
import re
import sys

# Weight of a pair that was never seen, in occurrences.
UNSEEN = 0.1
# Mean surprise, in sixteenths of a bit. Chosen so that the test's examples fall on their sides;
# then 0.5 % of the learned words, and one in twenty of random 8-letter strings, fall on the
# wrong one.
LIMIT = 83
EDGE = 26


def read_words(path):
    learned, known = set(), set()
    for paragraph in re.split(r"\n\s*\n", open(path).read()):
        lines = [line for line in paragraph.split("\n") if not line.startswith("#")]
        words = " ".join(lines).split()
        where = known if words[:1] == ["!"] else learned
        where.update(word for word in words if re.fullmatch("[a-z]+", word))
    return learned, known


def letters(word):
    return [EDGE] + [ord(letter) - ord("a") for letter in word] + [EDGE]


def learn(words):
    seen = [[UNSEEN] * 27 for _ in range(27)]
    for word in sorted(words):
        path = letters(word)
        for first, second in zip(path, path[1:]):
            seen[first][second] += 1
    return [[min(255, round(-16 * math.log2(n / sum(row)))) for n in row] for row in seen]


def gibberish(table, word):
    path = letters(word)
    pairs = list(zip(path, path[1:]))
    return len(word) > 2 and sum(table[a][b] for a, b in pairs) > LIMIT * len(pairs)


def main():
    learned, known = read_words(sys.argv[1])
    table = learn(learned)
    names = sorted(word for word in learned | known if gibberish(table, word))
    with open(sys.argv[2], "w") as out:
        out.write("/* SPDX-License-Identifier: Apache-2.0 */\n")
        out.write("/* Made by tests/data/pipeline/letter_pairs.py: do not edit. */\n")
        out.write("/* clang-format off */\n\n")
        out.write("#define LETTER_PAIRS_LIMIT %d\n\n" % LIMIT)
        out.write("static const uint8_t letter_pairs[27][27] = {\n")
        for row in table:
            out.write("\t{ %s },\n" % ", ".join(map(str, row)))
        out.write("};\n\n")
        out.write("/* Sorted. */\nstatic const char *const known_words[] = {\n")
        for i in range(0, len(names), 8):
            out.write("\t%s,\n" % ", ".join('"%s"' % name for name in names[i : i + 8]))
        out.write("};\n")
    print("%d words, %d known by name" % (len(learned | known), len(names)))


main()
