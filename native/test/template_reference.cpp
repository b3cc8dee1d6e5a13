// Renders one conversation with every chat template of a folder, by llama-common alone: {"name.jinja": {"prompt": ...} or {"error": ...}}.
// The conversation, BOS and EOS are those of ChatTemplateReferenceIT.
#include "chat.h"
#include "json.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace fs = std::filesystem;

static common_chat_msg message(const std::string & role, const std::string & content) {
    common_chat_msg msg;
    msg.role    = role;
    msg.content = content;
    return msg;
}

static common_json render(const std::string & source) {
    common_json result = common_json::object();
    try {
        auto                         templates = common_chat_templates_init(nullptr, source, "<s>", "</s>");
        common_chat_templates_inputs inputs;
        inputs.messages = {
            message("system", "You are terse."),
            message("user", "What is 2+2?"),
            message("assistant", "4"),
            message("user", "And doubled? ✓"),
        };
        inputs.now       = std::chrono::system_clock::time_point(std::chrono::seconds(1700000000));
        result["prompt"] = common_chat_templates_apply(templates.get(), inputs).prompt;
    } catch (const std::exception & e) {
        result["error"] = std::string(e.what());
    }
    return result;
}

int main(int argc, char ** argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: %s TEMPLATE_FOLDER OUTPUT\n", argv[0]);
        return 2;
    }
    std::vector<fs::path> files;
    for (const auto & entry : fs::directory_iterator(argv[1])) {
        if (entry.path().extension() == ".jinja") {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    common_json reference = common_json::object();
    for (const auto & file : files) {
        std::ifstream     in(file, std::ios::binary);
        std::stringstream source;
        source << in.rdbuf();
        reference[file.filename().string()] = render(source.str());
    }
    std::ofstream out(argv[2], std::ios::binary);
    out << reference.dump(1);
    return out.good() ? 0 : 1;
}
