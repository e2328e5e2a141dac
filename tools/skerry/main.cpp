#include "tools/skerry/extensions.hpp"

int main(int argc, char** argv) { return skerry::tools::run(argc, argv, {}); }
