#include "capture_log.h"

#include "guard.h"

#include "common.h"
#include "log.h"
#include "mtmd-helper.h"
#include "mtmd.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>

namespace llatte {

namespace {

constexpr size_t ring_lines     = 4096;
constexpr size_t max_line_bytes  = 16 * 1024;
constexpr size_t max_error_bytes = 1024;

struct line {
    int32_t     level;
    std::string text;
};

struct ring {
    std::mutex              mutex;
    std::condition_variable arrived;
    std::deque<line>        lines;
    int64_t                 dropped = 0;
    bool                    woken   = false;
};

// Never destroyed: backends log while the process ends.
ring & the_ring() {
    static ring * instance = new ring;
    return *instance;
}

thread_local line        pending{ GGML_LOG_LEVEL_NONE, "" };
thread_local std::string errors;

void publish() {
    if (pending.text.empty()) {
        return;
    }
    if (pending.level == GGML_LOG_LEVEL_ERROR && guard_scope::active() && errors.size() < max_error_bytes) {
        errors += (errors.empty() ? "" : "; ") + pending.text.substr(0, max_error_bytes);
    }
    ring & ring = the_ring();
    {
        std::lock_guard<std::mutex> lock(ring.mutex);
        if (ring.lines.size() == ring_lines) {
            ring.lines.pop_front();
            ring.dropped++;
        }
        ring.lines.push_back(std::move(pending));
    }
    ring.arrived.notify_one();
    pending.text.clear();
}

// Fragments belong to the thread that logs them: GGML_LOG_LEVEL_CONT goes on with its line.
void on_log(ggml_log_level level, const char * text, void * /*user_data*/) {
    try {
        if (level != GGML_LOG_LEVEL_CONT) {
            publish();
            pending.level = level;
        }
        for (const char * c = text; *c != '\0'; c++) {
            if (*c == '\n') {
                publish();
                continue;
            }
            if (pending.text.size() < max_line_bytes) {
                pending.text.push_back(*c);
            }
        }
    } catch (...) {
        // A log line is not worth a process: without memory for it, it is lost.
        pending.text.clear();
    }
}

} // namespace

void capture_log() {
    llama_log_set(on_log, nullptr);
    mtmd_log_set(on_log, nullptr);
    mtmd_helper_log_set(on_log, nullptr);
    // llama-common prints by itself, from a thread of its own.
    common_log_set_verbosity_thold(-1);
    common_log_pause(common_log_main());
}

void forget_logged_errors() {
    errors.clear();
}

const std::string & logged_errors() {
    if (pending.level == GGML_LOG_LEVEL_ERROR && !pending.text.empty()) {
        publish();
    }
    return errors;
}

} // namespace llatte

int32_t llatte_log_take(char * buffer, int32_t capacity, int32_t * level, int32_t timeout_ms) {
    if (buffer == nullptr || capacity <= 0 || level == nullptr) {
        return -1;
    }
    auto &                       ring = llatte::the_ring();
    std::unique_lock<std::mutex> lock(ring.mutex);
    ring.arrived.wait_for(lock, std::chrono::milliseconds(timeout_ms < 0 ? 0 : timeout_ms),
                          [&] { return !ring.lines.empty() || ring.woken; });
    ring.woken = false;
    if (ring.lines.empty()) {
        return -1;
    }
    const auto &  oldest = ring.lines.front();
    const int32_t length = static_cast<int32_t>(std::min(oldest.text.size(), static_cast<size_t>(capacity)));
    memcpy(buffer, oldest.text.data(), length);
    *level = oldest.level;
    ring.lines.pop_front();
    return length;
}

int64_t llatte_log_dropped(void) {
    auto &                      ring = llatte::the_ring();
    std::lock_guard<std::mutex> lock(ring.mutex);
    return ring.dropped;
}

void llatte_log_wake(void) {
    auto & ring = llatte::the_ring();
    {
        std::lock_guard<std::mutex> lock(ring.mutex);
        ring.woken = true;
    }
    ring.arrived.notify_all();
}
