/* SPDX-License-Identifier: Apache-2.0 */
/* Small ELF files for tests, put together section by section. */
#ifndef OBI_TEST_ELF_FILE_H
#define OBI_TEST_ELF_FILE_H

#include <elf.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ELF_FILE_SECTIONS 8
#define ELF_FILE_SEGMENTS 8
#define ELF_FILE_BASE 0x400000u /* address of the file's first byte */

struct elf_file {
	uint8_t bytes[65536 * 3];
	size_t len;
	Elf64_Ehdr header;
	Elf64_Shdr sections[ELF_FILE_SECTIONS];
	Elf64_Phdr segments[ELF_FILE_SEGMENTS];
	char names[512];
	size_t names_len;
};

static inline uint64_t elf_file_put(struct elf_file *file, const void *data, size_t len)
{
	uint64_t offset = file->len;

	memcpy(file->bytes + file->len, data, len);
	file->len += len;
	return offset;
}

static inline void elf_file_begin(struct elf_file *file)
{
	memset(file, 0, sizeof(*file));
	memcpy(file->header.e_ident, ELFMAG, SELFMAG);
	file->header.e_ident[EI_CLASS] = ELFCLASS64;
	file->header.e_ident[EI_DATA] = ELFDATA2LSB;
	file->header.e_ehsize = sizeof(Elf64_Ehdr);
	file->header.e_shentsize = sizeof(Elf64_Shdr);
	file->header.e_phentsize = sizeof(Elf64_Phdr);
	file->names_len = 1;
	file->header.e_shnum = 1; /* number 0 is empty */
	file->len = sizeof(Elf64_Ehdr);
}

static inline Elf64_Shdr *elf_file_add(struct elf_file *file, const char *name, uint32_t type,
				       const void *data, size_t len)
{
	Elf64_Shdr *section = &file->sections[file->header.e_shnum++];

	section->sh_name = (uint32_t)file->names_len;
	section->sh_type = type;
	section->sh_offset = elf_file_put(file, data, len);
	section->sh_size = len;
	memcpy(file->names + file->names_len, name, strlen(name) + 1);
	file->names_len += strlen(name) + 1;
	return section;
}

static inline Elf64_Phdr *elf_file_segment(struct elf_file *file, uint32_t type, uint32_t flags,
					   const void *data, size_t len)
{
	Elf64_Phdr *segment = &file->segments[file->header.e_phnum++];

	*segment = (Elf64_Phdr){ .p_type = type, .p_flags = flags, .p_filesz = len };
	segment->p_offset = elf_file_put(file, data, len);
	segment->p_vaddr = ELF_FILE_BASE + segment->p_offset;
	return segment;
}

/* Writes the headers; sections or not. */
static inline void elf_file_end(struct elf_file *file, int with_sections)
{
	if (with_sections) {
		file->header.e_shstrndx = file->header.e_shnum;
		(void)elf_file_add(file, ".shstrtab", SHT_STRTAB, "", 0);
		file->sections[file->header.e_shstrndx].sh_offset =
			elf_file_put(file, file->names, file->names_len);
		file->sections[file->header.e_shstrndx].sh_size = file->names_len;
		file->header.e_shoff = elf_file_put(file, file->sections,
						    file->header.e_shnum * sizeof(Elf64_Shdr));
	} else {
		file->header.e_shnum = 0;
	}
	file->header.e_phoff =
		elf_file_put(file, file->segments, file->header.e_phnum * sizeof(Elf64_Phdr));
	memcpy(file->bytes, &file->header, sizeof(file->header));
}

/* A descriptor of the bytes, to be closed. */
static inline int elf_file_fd(const void *bytes, size_t len)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);

	if (fd >= 0 && write(fd, bytes, len) != (ssize_t)len) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

#endif
