// Writes the cases of llama.cpp's own test of its schema converter as JSON: the test's source is compiled in here, and its runner is run with cases
// that are written down instead of tried. [{"name", "schema", "grammar" of a success, "refused"}]
#define main llama_cpp_main
#include LLATTE_SCHEMA_TEST
#undef main

#include <fstream>

int main(int argc, char ** argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s OUTPUT\n", argv[0]);
        return 2;
    }
    common_json cases = common_json::array();
    test_all("written down", [&](const TestCase & tc) {
        common_json one = common_json::object();
        one["name"]     = tc.name;
        one["schema"]   = tc.schema;
        one["refused"]  = tc.expected_status == FAILURE;
        one["grammar"]  = tc.expected_status == FAILURE ? std::string() : trim(tc.expected_grammar);
        cases.push_back(one);
    });
    std::ofstream out(argv[1], std::ios::binary);
    out << cases.dump(1);
    return out.good() ? 0 : 1;
}
