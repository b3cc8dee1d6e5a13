// What choosing a token costs on one thread, with and without the cut, as a Markdown table: bench_sampling [VOCABULARY]
#include "chains.h"

#include <cstdlib>

using namespace chains;

namespace {

constexpr int32_t n_rows = 8; // more than the second-level cache holds, as after a decode

// The median of a call's time in milliseconds.
template <typename Call>
double millis(Call && call) {
    std::vector<double> times;
    const auto          until = std::chrono::steady_clock::now() + std::chrono::milliseconds(400);
    for (int32_t i = 0; times.size() < 15 || (times.size() < 2000 && std::chrono::steady_clock::now() < until); i++) {
        const auto start = std::chrono::steady_clock::now();
        call(i % n_rows);
        times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    }
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
}

void report(const description & chain, const char * logits, const std::vector<std::vector<float>> & rows) {
    pair both(chain, static_cast<int32_t>(rows[0].size()), 7);
    for (int32_t token = 0; token < 64; token++) {
        both.accept(token * 1000 % static_cast<int32_t>(rows[0].size()));
    }
    const double theirs = millis([&](int32_t i) { both.reference(rows[i]); });
    const double ours   = millis([&](int32_t i) { both.choose(rows[i]); });
    printf("| %s | %s | %.3f | %.3f | %.1f |\n", chain.name.c_str(), logits, theirs, ours, theirs / ours);
    fflush(stdout);
}

} // namespace

int main(int argc, char ** argv) {
    const int32_t n_vocab = argc > 1 ? atoi(argv[1]) : 128256;
    if (n_vocab < 1000) {
        fprintf(stderr, "usage: %s [VOCABULARY, 1000 or more]\n", argv[0]);
        return 2;
    }
    const auto tail = [](description chain) { return chain.top_k(40).top_p(0.95f, 1).min_p(0.05f, 1).temperature(0.8f).dist(); };
    const std::vector<description> chains = {
        description("greedy").greedy(),
        tail(description("default")),
        tail(description("penalties + default").penalties(64, 1.1f, 0.1f, 0.1f)),
        tail(description("bias + default").bias({ { 5, -INFINITY }, { 700, 2.0f }, { 900, -1.0f } })),
        description("top-p + temp + dist").top_p(0.95f, 1).temperature(0.8f).dist(),
        description("penalties + top-p + temp + dist").penalties(64, 1.1f, 0.1f, 0.1f).top_p(0.95f, 1).temperature(0.8f).dist(),
        description("min-p + temp + dist").min_p(0.05f, 1).temperature(0.8f).dist(),
        description("temp + dist").temperature(0.8f).dist(),
    };
    printf("| chain, %d logits | distribution | llama.cpp, ms | llatte, ms | times |\n|---|---|---|---|---|\n", n_vocab);
    for (const auto & [name, logits] : { std::pair("peaked", peaked), std::pair("flat", flat) }) {
        std::mt19937                    random(1);
        std::vector<std::vector<float>> rows;
        for (int32_t i = 0; i < n_rows; i++) {
            rows.push_back(logits(n_vocab, random));
        }
        for (const auto & chain : chains) {
            report(chain, name, rows);
        }
    }
    return 0;
}
