/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One option is one row. The row stands in its owner's file, and gives parsing
 * (YAML and environment), the default, bounds, `obi --help`, `obi config`, the
 * JSON Schema and the docs page. A row writes into its owner's struct at `offset`.
 */
#ifndef OBI_CONFIG_OPTION_H
#define OBI_CONFIG_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For a row with only one bound. */
#define OBI_UNBOUNDED __builtin_inf()

/* In brackets: the C type of the field that a row writes. All memory behind the
 * fields belongs to the configuration's arena. */
enum obi_type {
	OBI_TYPE_BOOL,     /* bool */
	OBI_TYPE_INT,      /* int64_t, within min..max */
	OBI_TYPE_FLOAT,    /* double, within min..max */
	OBI_TYPE_DURATION, /* uint64_t nanoseconds; Go syntax (1h30m, 500ms), within min..max ns */
	OBI_TYPE_STRING,   /* const char *, never NULL ("" where unset) */
	OBI_TYPE_GLOB,     /* const char *, "" where unset; compiles (base/glob.h) */
	OBI_TYPE_CHOICE,   /* int: the value of one of `names` */
	OBI_TYPE_FLAGS,    /* struct obi_flags: a list of `names`, or-ed */
	OBI_TYPE_LIST,     /* struct obi_list: strings; comma separated in the environment */
	OBI_TYPE_PORTS,    /* struct obi_ranges: `80,443,8000-8999`, or a YAML list */
	OBI_TYPE_PIDS,     /* struct obi_ranges: same syntax, up to 4194304 */
	OBI_TYPE_FLOATS,   /* struct obi_floats: strictly ascending numbers (histogram bounds) */
	OBI_TYPE_CIDR,     /* struct obi_prefix: 10.0.0.0/8, 2001:db8::/32 */
	OBI_TYPE_STRUCTS,  /* struct obi_array: a list of maps, each read by the `element` rows */
	OBI_TYPE_MAP,      /* struct obi_array: a map of maps; an element begins with its name */
	OBI_TYPE_LABELS,   /* struct obi_array of struct obi_label: a map of strings or lists */
};

#define OBI_OPTION_SECRET 0x01     /* masked as *** in dumps: keys, endpoints */
#define OBI_OPTION_DEPRECATED 0x02 /* still works; using it warns */
#define OBI_OPTION_UNIMPLEMENTED                                                                   \
	0x04                      /* parsed and checked; using it warns that it does nothing yet */
#define OBI_OPTION_LENIENT 0x08   /* CHOICE, FLAGS: an unknown name only warns */
#define OBI_OPTION_OPTIONAL 0x10  /* INT: field is struct obi_optional_int */
#define OBI_OPTION_REQUIRED 0x20  /* an element without it is an error */
#define OBI_OPTION_SHORTHAND 0x40 /* a scalar in the place of an element means this row */
#define OBI_OPTION_SENDER 0x80    /* credentials: for the sender, and no other child */

struct obi_optional_int {
	int64_t value;
	bool set;
};

struct obi_flags {
	uint32_t bits;
	bool set; /* given by file or environment, even if empty */
};

struct obi_list {
	const char **items;
	size_t count;
	bool set; /* given, even if empty: an explicit [] is not the default */
};

struct obi_range {
	uint32_t first;
	uint32_t last; /* included */
};

struct obi_ranges {
	struct obi_range *items;
	size_t count;
};

struct obi_floats {
	double *items;
	size_t count;
};

/* A network: addresses as in obi/record.h, IPv4 as ::ffff:a.b.c.d, so an IPv4 /8 has 104 bits.
 * Bits after the prefix are zero. */
struct obi_prefix {
	uint8_t address[16];
	uint8_t bits;     /* 0 to 128 */
	const char *text; /* canonical, "10.0.0.0/8"; "" where unset */
};

/* An owner declares its own struct of this shape with a typed `items`. */
struct obi_array {
	void *items;
	size_t count;
	bool set; /* given, even if empty */
};

struct obi_label {
	const char *name;
	struct obi_list values;
};

/* A word and what it means. The first of several words with one value is the one that is
 * printed; the others are accepted. */
struct obi_name {
	const char *name;
	uint32_t value; /* CHOICE: the value; FLAGS: bits, several for a word like "all" */
};

struct obi_group;

struct obi_option {
	const char *key;     /* YAML path, `network.cache_max_flows`; NULL: environment only */
	const char *env;     /* environment name; NULL: none of its own */
	const char *aliases; /* further variables, comma separated, tried in order after env */
	enum obi_type type;
	const char *fallback; /* default: in the environment's syntax, or YAML for STRUCTS, MAP and
			       * LABELS; NULL: zero value */
	double min, max;      /* both 0: no bounds */
	double floor;         /* INT, DURATION: less is allowed, warned of, and means this */
	const struct obi_name *names;    /* CHOICE, FLAGS: ends with a NULL name */
	const struct obi_group *element; /* STRUCTS, MAP: the rows of one item */
	size_t element_size;             /* STRUCTS, MAP: of one item */
	size_t offset;                   /* in the owner's struct */
	const char *help;                /* one line, no full stop */
	unsigned flags;                  /* OBI_OPTION_* */
	/* Further check after parsing, of the whole field; LIST: of each item (const char *).
	 * 0, or -EINVAL with what is allowed in `why`. May be NULL. */
	int (*check)(const void *field, char *why, size_t why_size);
};

/* All rows of one owner, in the order of the docs. */
struct obi_options {
	const char *title; /* heading in --help and docs; groups that follow share it */
	const struct obi_option *rows;
	size_t count;
	bool slots;         /* row i's field is the i-th union obi_slot, whatever its offset */
	const char *strict; /* an unknown key that begins so is an error; NULL: it only warns */
};

/* Owners put together: an array of these, ending with NULL options, describes one struct. */
struct obi_group {
	const struct obi_options *options;
	size_t base; /* offset of the owner's struct in the whole */
};

/* Room for the field of any type: for rows whose values nothing reads yet. */
union obi_slot {
	bool boolean;
	int64_t integer;
	double number;
	uint64_t duration;
	const char *string;
	int choice;
	struct obi_flags flags;
	struct obi_optional_int optional;
	struct obi_list list;
	struct obi_ranges ranges;
	struct obi_floats floats;
	struct obi_prefix prefix;
	struct obi_array array;
};

/* A row whose field is a member of a struct. That the member has the C type of the option's type
 * is checked when compiling; further members of the row (.names = ...) follow. */
#define OBI_ROW(struct_, member_, key_, env_, type_, fallback_, help_, ...)                        \
	{                                                                                          \
		.key = (key_), .env = (env_), .type = OBI_TYPE_##type_, .fallback = (fallback_),   \
		.help = (help_),                                                                   \
		.offset =                                                                          \
			offsetof(struct_, member_) + OBI_MEMBER_##type_(((struct_ *)0)->member_),  \
		__VA_ARGS__                                                                        \
	}

#define OBI_MEMBER_BOOL(member) _Generic((member), bool : 0)
#define OBI_MEMBER_INT(member) _Generic((member), int64_t : 0, struct obi_optional_int : 0)
#define OBI_MEMBER_FLOAT(member) _Generic((member), double : 0)
#define OBI_MEMBER_DURATION(member) _Generic((member), uint64_t : 0)
#define OBI_MEMBER_STRING(member) _Generic((member), const char * : 0)
#define OBI_MEMBER_GLOB(member) _Generic((member), const char * : 0)
#define OBI_MEMBER_CHOICE(member) _Generic((member), int : 0)
#define OBI_MEMBER_FLAGS(member) _Generic((member), struct obi_flags : 0)
#define OBI_MEMBER_LIST(member) _Generic((member), struct obi_list : 0)
#define OBI_MEMBER_PORTS(member) _Generic((member), struct obi_ranges : 0)
#define OBI_MEMBER_PIDS(member) _Generic((member), struct obi_ranges : 0)
#define OBI_MEMBER_FLOATS(member) _Generic((member), struct obi_floats : 0)
#define OBI_MEMBER_CIDR(member) _Generic((member), struct obi_prefix : 0)
/* The owner's typed list has another name, but the size of struct obi_array. */
#define OBI_MEMBER_STRUCTS(member) (0 / (sizeof(member) == sizeof(struct obi_array)))
#define OBI_MEMBER_MAP(member) OBI_MEMBER_STRUCTS(member)

/* The field of row i in the struct that the groups describe. */
void *obi_group_field(const struct obi_group *group, size_t i, void *base);

/* Rows in all groups. */
size_t obi_groups_count(const struct obi_group *groups);

/* Does any range hold value? */
bool obi_ranges_have(const struct obi_ranges *ranges, uint32_t value);

/* Is the address (16 bytes, IPv4-mapped) in the network? */
bool obi_prefix_has(const struct obi_prefix *prefix, const uint8_t address[16]);

#endif
