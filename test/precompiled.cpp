// The source that test_main compiles with the precompiled header; main.cpp must define its module first.
