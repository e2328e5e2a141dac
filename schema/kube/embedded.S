# The tables of schema/kubernetes, embedded as they are; registry.cpp reads them through these symbols.
.section .rodata
.macro table name, file
.global skerry_table_\name
.global skerry_table_\name\()_end
skerry_table_\name:
.incbin "schema/kubernetes/\file"
skerry_table_\name\()_end:
.byte 0
.endm
table types, types.tsv
table resources, resources.tsv
table served, served.tsv
.section .note.GNU-stack, "", %progbits
