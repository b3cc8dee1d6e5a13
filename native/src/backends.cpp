// What became of each backend module, and the memory of devices.
#include "guard.h"

#include "ggml-backend.h"
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#if defined(_WIN32)
#    include <windows.h>
#else
#    include <dlfcn.h>
#endif

namespace llatte {

std::string & backend_directory();

namespace {

using json   = nlohmann::ordered_json;
namespace fs = std::filesystem;

bool is_module(const fs::path & file) {
    const std::string name = file.filename().string();
    const bool        core = name.rfind("libggml-base", 0) == 0 || name.rfind("ggml-base", 0) == 0;
    return !core && (name.rfind("libggml-", 0) == 0 || name.rfind("ggml-", 0) == 0);
}

// "vulkan" for libggml-vulkan.so, "cpu" for every CPU variant.
std::string kind_of(const fs::path & file) {
    std::string name = file.stem().string();
    name             = name.substr(name.find("ggml-") + 5);
    return name.rfind("cpu", 0) == 0 ? "cpu" : name;
}

// The file that a registered backend's code lies in.
std::string file_of(ggml_backend_reg_t reg) {
#if !defined(_WIN32)
    void *  symbol = ggml_backend_reg_get_proc_address(reg, "ggml_backend_get_features");
    Dl_info info;
    if (symbol != nullptr && dladdr(symbol, &info) != 0 && info.dli_fname != nullptr) {
        return fs::path(info.dli_fname).filename().string();
    }
#endif
    return "";
}

json features_of(ggml_backend_reg_t reg) {
    json features = json::object();
    auto get      = reinterpret_cast<ggml_backend_get_features_t>(ggml_backend_reg_get_proc_address(reg, "ggml_backend_get_features"));
    if (get != nullptr) {
        for (auto * feature = get(reg); feature != nullptr && feature->name != nullptr; feature++) {
            features[feature->name] = feature->value == nullptr ? "" : feature->value;
        }
    }
    return features;
}

// Why a module that is in the folder registered nothing.
std::string reason_of(const fs::path & file) {
#if defined(_WIN32)
    return "not usable on this machine";
#else
    void * handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
        const char * why = dlerror();
        return why == nullptr ? "dlopen failed" : why;
    }
    // It loads, so it refused by itself: no driver, or a machine that its score rules out.
    dlclose(handle);
    return "no driver or no supported device was found";
#endif
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(tolower(c)); });
    return text;
}

json entry_of(ggml_backend_reg_t reg, const std::string & file) {
    json devices = json::array();
    for (size_t i = 0; i < ggml_backend_reg_dev_count(reg); i++) {
        devices.push_back(ggml_backend_dev_name(ggml_backend_reg_dev_get(reg, i)));
    }
    // RPC has devices only once a server is added.
    const bool        usable = !devices.empty() || lower(ggml_backend_reg_name(reg)) == "rpc";
    const std::string reason = usable ? "" : "no device was found";
    return { { "name", ggml_backend_reg_name(reg) }, { "file", file },     { "loaded", usable },
             { "devices", devices },                 { "reason", reason }, { "features", features_of(reg) } };
}

std::vector<fs::path> modules() {
    std::vector<fs::path> files;
    for (const auto & entry : fs::directory_iterator(backend_directory())) {
        if (entry.is_regular_file() && is_module(entry.path())) {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

json report_all() {
    json                               report = json::array();
    std::map<std::string, std::string> registered; // kind -> file, "" where the file is unknown
    for (size_t i = 0; i < ggml_backend_reg_count(); i++) {
        ggml_backend_reg_t reg  = ggml_backend_reg_get(i);
        std::string        kind = lower(ggml_backend_reg_name(reg));
        std::string        file = file_of(reg);
        for (const auto & module : modules()) {
            if (file.empty() && kind_of(module) == kind) {
                file = module.filename().string();
            }
        }
        registered[file.empty() ? kind : kind_of(file)] = file;
        report.push_back(entry_of(reg, file));
    }
    for (const auto & module : modules()) {
        const std::string kind = kind_of(module);
        if (registered.count(kind) == 0) {
            report.push_back({ { "name", kind },
                               { "file", module.filename().string() },
                               { "loaded", false },
                               { "devices", json::array() },
                               { "reason", reason_of(module) },
                               { "features", json::object() } });
        }
    }
    return report;
}

} // namespace

} // namespace llatte

int32_t llatte_backend_report(llatte_text * out, llatte_error * error) {
    return llatte::guarded(error, [&] { llatte::assign(out, llatte::report_all().dump()); });
}

int32_t llatte_device_memory(int32_t index, int64_t * free_bytes, int64_t * total_bytes, llatte_error * error) {
    return llatte::guarded(error, [&] {
        llatte::require_not_null(free_bytes, "free_bytes");
        llatte::require_not_null(total_bytes, "total_bytes");
        llatte::require_range("device index", index, 0, static_cast<int64_t>(ggml_backend_dev_count()) - 1);
        size_t free  = 0;
        size_t total = 0;
        ggml_backend_dev_memory(ggml_backend_dev_get(index), &free, &total);
        *free_bytes  = static_cast<int64_t>(free);
        *total_bytes = static_cast<int64_t>(total);
    });
}
