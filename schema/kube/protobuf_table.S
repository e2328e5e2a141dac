# schema/kubernetes/protobuf.tsv, embedded as it is; protobuf.cpp reads it through these symbols.
.section .rodata
.global skerry_table_protobuf
.global skerry_table_protobuf_end
skerry_table_protobuf:
.incbin "schema/kubernetes/protobuf.tsv"
skerry_table_protobuf_end:
.byte 0
.section .note.GNU-stack, "", %progbits
