#include "guard.h"

#include "capture_log.h"

#include <cmath>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <exception>

namespace llatte {

namespace {
thread_local int  depth       = 0;
constexpr int32_t max_nesting = 128;

void require_nesting(int32_t status, const char * name, int32_t nesting) {
    if (nesting > max_nesting) {
        fail(status, format("%s nests deeper than %d", name, max_nesting), nesting, max_nesting);
    }
}
} // namespace

std::string format(const char * pattern, ...) {
    char    buffer[1024];
    va_list args;
    va_start(args, pattern);
    vsnprintf(buffer, sizeof(buffer), pattern, args);
    va_end(args);
    return buffer;
}

void fail(int32_t status, std::string message, int64_t requested, int64_t available) {
    throw failure{ status, std::move(message), requested, available };
}

int32_t report(llatte_error * error, const failure & failure) {
    if (error != nullptr) {
        error->requested = failure.requested;
        error->available = failure.available;
        error->status    = failure.status;
        size_t length = failure.message.size();
        if (length >= sizeof(error->message)) {
            length = sizeof(error->message) - 1;
            while (length > 0 && (static_cast<unsigned char>(failure.message[length]) & 0xC0) == 0x80) {
                length--; // do not cut inside a UTF-8 sequence
            }
        }
        memcpy(error->message, failure.message.data(), length);
        error->message[length] = '\0';
    }
    return failure.status;
}

failure current_failure() {
    try {
        throw;
    } catch (const failure & refused) {
        return refused;
    } catch (const assertion_failure & asserted) {
        return { LLATTE_INTERNAL, "llama.cpp failed an assertion: " + asserted.message };
    } catch (const std::bad_alloc &) {
        return { LLATTE_OUT_OF_MEMORY, "the host is out of memory" };
    } catch (const std::exception & thrown) {
        return { LLATTE_INTERNAL, std::string("llama.cpp threw: ") + thrown.what() };
    } catch (...) {
        return { LLATTE_INTERNAL, "llama.cpp threw something unknown" };
    }
}

guard_scope::guard_scope() {
    if (depth++ == 0) {
        forget_logged_errors();
    }
}

guard_scope::~guard_scope() {
    depth--;
}

bool guard_scope::active() {
    return depth > 0;
}

std::string because() {
    return logged_errors().empty() ? std::string() : ": " + logged_errors();
}

void require_not_null(const void * pointer, const char * name) {
    if (pointer == nullptr) {
        fail(LLATTE_INVALID_ARGUMENT, format("%s is NULL", name));
    }
}

void require_range(const char * name, int64_t value, int64_t least, int64_t most) {
    if (value < least || value > most) {
        fail(LLATTE_INVALID_ARGUMENT, format("%s is %lld, and must be from %lld to %lld", name, static_cast<long long>(value),
                                             static_cast<long long>(least), static_cast<long long>(most)),
             value, value < least ? least : most);
    }
}

void require_finite(const char * name, float value) {
    if (!std::isfinite(value)) {
        fail(LLATTE_INVALID_ARGUMENT, format("%s is %f, and must be finite", name, static_cast<double>(value)));
    }
}

void require_flat_json(int32_t status, const char * name, std::string_view text) {
    int32_t nesting = 0;
    for (size_t i = 0; i < text.size(); i++) {
        const char c = text[i];
        if (c == '"') {
            for (i++; i < text.size() && text[i] != '"'; i++) {
                i += text[i] == '\\';
            }
        } else if (c == '[' || c == '{') {
            require_nesting(status, name, ++nesting);
        } else if (c == ']' || c == '}') {
            nesting--;
        }
    }
}

void require_flat_brackets(int32_t status, const char * name, std::string_view text) {
    int32_t nesting = 0;
    for (const char c : text) {
        if (c == '[' || c == '{') {
            require_nesting(status, name, ++nesting);
        } else if ((c == ']' || c == '}') && nesting > 0) {
            nesting--;
        }
    }
}

void require_flat_parentheses(int32_t status, const char * name, std::string_view text) {
    int32_t nesting = 0;
    for (const char c : text) {
        if (c == '(') {
            require_nesting(status, name, ++nesting);
        } else if (c == ')' && nesting > 0) {
            nesting--;
        }
    }
}

void assign(llatte_text * out, const std::string & text) {
    require_not_null(out, "out");
    char * data = static_cast<char *>(malloc(text.size() + 1));
    if (data == nullptr) {
        throw std::bad_alloc();
    }
    memcpy(data, text.data(), text.size());
    data[text.size()] = '\0';
    out->data   = data;
    out->length = static_cast<int64_t>(text.size());
}

} // namespace llatte

void llatte_text_free(llatte_text * text) {
    if (text != nullptr) {
        free(text->data);
        text->data   = nullptr;
        text->length = 0;
    }
}
