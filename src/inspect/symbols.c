// SPDX-License-Identifier: Apache-2.0
/*
 * A table's names are searched first, piece by piece, and then its symbols for those that bear one
 * of the names found: two runs through the file, in order, instead of a jump for each symbol. As
 * linkers let a name be the end of a longer one, ends are compared.
 */
#include "inspect/symbols.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define HITS_MAX 8192
#define NAMES_MAX (4u << 20)   /* looked at in all */
#define MATCHES_MAX (1u << 16) /* symbols with a wanted name */
#define DYNAMIC_MAX 1024       /* entries */
#define SYMBOLS_MAX (1u << 24)
#define NONE UINT16_MAX
#define FILTER_BITS 65536
#define FILTER_SPAN 16 /* bytes of the table of names for a bit */

struct table {
	uint64_t symbols, symbols_size; /* offset in the file, bytes */
	uint64_t strings, strings_size;
};

/* A symbol with a name from first to last on, bytes from the start of the table, is wanted. */
struct hit {
	uint32_t string; /* where the whole string begins */
	uint32_t first, last;
	uint16_t wanted;
};

struct search {
	const struct obi_symbol_wanted *wanted;
	size_t count;
	/* Whole names by their last byte, a chain each; parts of names in a chain of their own. */
	uint16_t by_last[256], parts, next[OBI_SYMBOLS_WANTED_MAX];
	uint8_t lens[OBI_SYMBOLS_WANTED_MAX];
	struct hit hits[HITS_MAX]; /* in the order of their strings */
	size_t hit_count;
	uint64_t filter[FILTER_BITS / 64]; /* symbols whose names have no bit here bear no hit */
	uint32_t names, matches;
	struct obi_symbol *found;
	size_t found_count, max;
	bool cut;
};

static int search_begin(struct search *search, const struct obi_symbol_wanted *wanted, size_t count)
{
	search->wanted = wanted;
	search->count = count;
	memset(search->by_last, 0xff, sizeof(search->by_last));
	search->parts = NONE;
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(wanted[i].name);
		uint16_t *head;

		if (len == 0 || len > UINT8_MAX)
			return -EINVAL;
		search->lens[i] = (uint8_t)len;
		head = wanted[i].within ? &search->parts
					: &search->by_last[(uint8_t)wanted[i].name[len - 1]];
		search->next[i] = *head;
		*head = (uint16_t)i;
	}
	return 0;
}

/* ---- Names -------------------------------------------------------------------------------------
 */

static uint32_t filter_bit(uint64_t name)
{
	return (uint32_t)(name / FILTER_SPAN % FILTER_BITS);
}

static bool add_hit(struct search *search, uint64_t string, uint64_t first, uint64_t last,
		    uint16_t wanted)
{
	if (last > UINT32_MAX) /* no st_name goes so far */
		return true;
	if (search->hit_count == HITS_MAX) {
		search->cut = true;
		return false;
	}
	search->hits[search->hit_count++] = (struct hit){
		.string = (uint32_t)string,
		.first = (uint32_t)first,
		.last = (uint32_t)last,
		.wanted = wanted,
	};
	for (uint64_t at = first - first % FILTER_SPAN; at <= last; at += FILTER_SPAN)
		search->filter[filter_bit(at) / 64] |= UINT64_C(1) << filter_bit(at) % 64;
	return true;
}

/* Of name@VERSION and name@@VERSION, name. */
static struct slice without_version(struct slice string)
{
	ptrdiff_t at = slice_find(string, '@');

	return at < 0 ? string : slice_first(string, (size_t)at);
}

static bool take_string(void *context, uint64_t at, struct slice string)
{
	struct search *search = context;

	if (++search->names > NAMES_MAX) {
		search->cut = true;
		return false;
	}
	string = without_version(string);
	if (!string.len)
		return true;
	for (uint16_t i = search->by_last[string.data[string.len - 1]]; i != NONE;
	     i = search->next[i]) {
		size_t len = search->lens[i], before = string.len - len;

		if (string.len >= len &&
		    !memcmp(string.data + before, search->wanted[i].name, len) &&
		    !add_hit(search, at, at + before, at + before, i))
			return false;
	}
	for (uint16_t i = search->parts; i != NONE; i = search->next[i]) {
		const uint8_t *part =
			memmem(string.data, string.len, search->wanted[i].name, search->lens[i]);

		if (part && !add_hit(search, at, at, at + (uint64_t)(part - string.data), i))
			return false;
	}
	return true;
}

/* ---- Symbols -----------------------------------------------------------------------------------
 */

static bool prefer(const struct obi_symbol *a, const struct obi_symbol *b)
{
	return !a->size != !b->size ? a->size != 0 : !a->local && b->local;
}

static void add_found(struct search *search, const struct obi_symbol *symbol)
{
	for (size_t i = 0; i < search->found_count; i++) {
		struct obi_symbol *other = &search->found[i];

		if (other->wanted == symbol->wanted && other->address == symbol->address) {
			if (prefer(symbol, other))
				*other = *symbol;
			return;
		}
	}
	if (search->found_count < search->max)
		search->found[search->found_count++] = *symbol;
}

/* The first hit of the string that holds name, or of one behind it. */
static size_t hits_of(const struct search *search, uint32_t name)
{
	size_t low = 0, high = search->hit_count;

	while (low < high) { /* the first whose string begins behind name */
		size_t middle = (low + high) / 2;

		if (search->hits[middle].string <= name)
			low = middle + 1;
		else
			high = middle;
	}
	while (low > 1 && search->hits[low - 1].string == search->hits[low - 2].string)
		low--;
	return low ? low - 1 : 0;
}

static void take_symbol(struct search *search, const struct obi_image *image,
			const Elf64_Sym *symbol)
{
	struct obi_symbol found = { .address = symbol->st_value };
	uint64_t rest;

	if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || symbol->st_shndx == SHN_UNDEF ||
	    !(search->filter[filter_bit(symbol->st_name) / 64] >> filter_bit(symbol->st_name) % 64 &
	      1))
		return;
	for (size_t i = hits_of(search, symbol->st_name);
	     i < search->hit_count && search->hits[i].string <= symbol->st_name; i++) {
		const struct hit *hit = &search->hits[i];

		if (symbol->st_name < hit->first || symbol->st_name > hit->last)
			continue;
		if (!obi_image_locate(image, symbol->st_value, true, &found.offset, &rest))
			return;
		found.size = symbol->st_size < rest ? symbol->st_size : rest;
		found.wanted = hit->wanted;
		found.local = ELF64_ST_BIND(symbol->st_info) == STB_LOCAL;
		if (++search->matches > MATCHES_MAX)
			search->cut = true;
		else
			add_found(search, &found);
	}
}

static void search_table(struct search *search, struct obi_image *image, const struct table *table)
{
	uint64_t left = table->symbols_size, at = table->symbols;

	search->hit_count = 0;
	memset(search->filter, 0, sizeof(search->filter));
	obi_image_each_string(image, table->strings, table->strings_size, take_string, search);
	if (!search->hit_count)
		return;
	while (left >= sizeof(Elf64_Sym) && search->found_count < search->max) {
		size_t want = sizeof(image->chunk) - sizeof(image->chunk) % sizeof(Elf64_Sym);
		size_t n = obi_image_read(image, at, image->chunk, obi_image_min(left, want));
		Elf64_Sym symbol;

		for (size_t i = 0; i + sizeof(symbol) <= n; i += sizeof(symbol)) {
			memcpy(&symbol, image->chunk + i, sizeof(symbol));
			take_symbol(search, image, &symbol);
		}
		if (n < want)
			break;
		left -= n;
		at += n;
	}
}

/* ---- Tables ------------------------------------------------------------------------------------
 */

static bool table_of_section(const struct obi_image *image, const Elf64_Shdr *section,
			     struct table *ret)
{
	const Elf64_Shdr *strings;

	if ((section->sh_type != SHT_SYMTAB && section->sh_type != SHT_DYNSYM) ||
	    section->sh_entsize != sizeof(Elf64_Sym) || section->sh_link >= image->section_count)
		return false;
	strings = &image->sections[section->sh_link];
	if (strings->sh_type != SHT_STRTAB)
		return false;
	*ret = (struct table){
		.symbols = section->sh_offset,
		.symbols_size = section->sh_size,
		.strings = strings->sh_offset,
		.strings_size = strings->sh_size,
	};
	return ret->symbols_size && ret->strings_size && ret->symbols < image->size &&
	       ret->strings < image->size;
}

/* Values of the entries that are wanted here; 0 where there is none. */
struct dynamic {
	uint64_t symbols, strings, strings_size, entry_size, hash, gnu_hash;
};

static void read_dynamic(struct obi_image *image, uint64_t offset, uint64_t size,
			 struct dynamic *ret)
{
	size_t n = obi_image_read(image, offset, image->chunk,
				  obi_image_min(size, DYNAMIC_MAX * sizeof(Elf64_Dyn)));
	Elf64_Dyn entry;

	for (size_t i = 0; i + sizeof(entry) <= n; i += sizeof(entry)) {
		memcpy(&entry, image->chunk + i, sizeof(entry));
		switch (entry.d_tag) {
		case DT_NULL:
			return;
		case DT_SYMTAB:
			ret->symbols = entry.d_un.d_ptr;
			break;
		case DT_STRTAB:
			ret->strings = entry.d_un.d_ptr;
			break;
		case DT_STRSZ:
			ret->strings_size = entry.d_un.d_val;
			break;
		case DT_SYMENT:
			ret->entry_size = entry.d_un.d_val;
			break;
		case DT_HASH:
			ret->hash = entry.d_un.d_ptr;
			break;
		case DT_GNU_HASH:
			ret->gnu_hash = entry.d_un.d_ptr;
			break;
		default:
			break;
		}
	}
}

/* The highest of count words in the file. */
static uint32_t highest_word(struct obi_image *image, uint64_t offset, uint64_t count)
{
	uint32_t highest = 0, word;

	for (uint64_t done = 0; done < count;) {
		size_t n = obi_image_read(image, offset + done * 4, image->chunk,
					  obi_image_min((count - done) * 4, sizeof(image->chunk))) /
			   4;

		for (size_t i = 0; i < n; i++) {
			memcpy(&word, image->chunk + i * 4, 4);
			if (word > highest)
				highest = word;
		}
		if (!n)
			break;
		done += n;
	}
	return highest;
}

/* How many words of the file there are up to one that is odd, which counts. */
static uint64_t words_to_odd(struct obi_image *image, uint64_t offset, uint64_t max)
{
	uint32_t word;

	for (uint64_t done = 0; done < max;) {
		size_t n = obi_image_read(image, offset + done * 4, image->chunk,
					  obi_image_min((max - done) * 4, 4096)) /
			   4;

		for (size_t i = 0; i < n; i++) {
			memcpy(&word, image->chunk + i * 4, 4);
			if (word & 1)
				return done + i + 1;
		}
		if (!n)
			break;
		done += n;
	}
	return 0;
}

/* DT_HASH: its second word (System V ABI, "Hash Table"). */
static uint64_t count_by_hash(struct obi_image *image, uint64_t address)
{
	uint64_t offset, rest;
	uint32_t words[2];

	if (!address || !obi_image_locate(image, address, false, &offset, &rest) ||
	    obi_image_read(image, offset, words, sizeof(words)) != sizeof(words))
		return 0;
	return words[1];
}

/* DT_GNU_HASH: buckets hold the first symbol of a chain, and a chain ends with an odd word; the
 * last symbol ends the chain that begins last (binutils, bfd/elflink.c). */
static uint64_t count_by_gnu_hash(struct obi_image *image, uint64_t address)
{
	struct {
		uint32_t buckets, first, bloom_words, bloom_shift;
	} head;
	uint64_t offset, rest, chains, last, more;

	if (!address || !obi_image_locate(image, address, false, &offset, &rest) ||
	    obi_image_read(image, offset, &head, sizeof(head)) != sizeof(head))
		return 0;
	offset += sizeof(head) + head.bloom_words * UINT64_C(8);
	last = highest_word(image, offset, head.buckets);
	if (last < head.first)
		return head.first;
	chains = offset + head.buckets * UINT64_C(4);
	more = words_to_odd(image, chains + (last - head.first) * 4, SYMBOLS_MAX);
	return more ? last + more : 0;
}

static bool table_of_dynamic(struct obi_image *image, struct table *ret)
{
	struct dynamic dynamic = { 0 };
	uint64_t rest, count;

	for (size_t i = 0; i < image->segment_count; i++)
		if (image->segments[i].p_type == PT_DYNAMIC) {
			read_dynamic(image, image->segments[i].p_offset,
				     image->segments[i].p_filesz, &dynamic);
			break;
		}
	if (dynamic.entry_size != sizeof(Elf64_Sym) ||
	    !obi_image_locate(image, dynamic.strings, false, &ret->strings, &rest))
		return false;
	ret->strings_size = dynamic.strings_size < rest ? dynamic.strings_size : rest;
	count = count_by_hash(image, dynamic.hash);
	if (!count)
		count = count_by_gnu_hash(image, dynamic.gnu_hash);
	if (count > SYMBOLS_MAX ||
	    !obi_image_locate(image, dynamic.symbols, false, &ret->symbols, &rest))
		return false;
	ret->symbols_size = count * sizeof(Elf64_Sym) < rest ? count * sizeof(Elf64_Sym) : rest;
	return ret->symbols_size && ret->strings_size;
}

/* ---- All of it ---------------------------------------------------------------------------------
 */

static int compare(const void *left, const void *right)
{
	const struct obi_symbol *a = left, *b = right;

	if (a->wanted != b->wanted)
		return a->wanted < b->wanted ? -1 : 1;
	if (prefer(a, b) != prefer(b, a))
		return prefer(a, b) ? -1 : 1;
	return a->address < b->address ? -1 : a->address > b->address;
}

int obi_symbols_find(struct obi_image *image, const struct obi_symbol_wanted *wanted, size_t count,
		     struct obi_symbol *ret_found, size_t max, bool *ret_cut)
{
	_cleanup_free_ struct search *search = NULL;
	bool seen[SHT_DYNSYM + 1] = { false };
	struct table table;
	int err;

	if (image->header.e_machine != EM_X86_64 && image->header.e_machine != EM_AARCH64)
		return -ENOTSUP;
	if (count > OBI_SYMBOLS_WANTED_MAX)
		return -EINVAL;
	search = calloc(1, sizeof(*search));
	if (!search)
		return -ENOMEM;
	err = search_begin(search, wanted, count);
	if (err)
		return err;
	search->found = ret_found;
	search->max = max;
	for (size_t i = 0; i < image->section_count; i++) {
		if (!table_of_section(image, &image->sections[i], &table) ||
		    seen[image->sections[i].sh_type])
			continue;
		seen[image->sections[i].sh_type] = true;
		search_table(search, image, &table);
	}
	if (!seen[SHT_DYNSYM] && table_of_dynamic(image, &table)) {
		seen[SHT_DYNSYM] = true;
		search_table(search, image, &table);
	}
	if (!seen[SHT_SYMTAB] && !seen[SHT_DYNSYM])
		return -ENODATA;
	qsort(ret_found, search->found_count, sizeof(*ret_found), compare);
	*ret_cut = search->cut || search->found_count == max || !image->left;
	return (int)search->found_count;
}
