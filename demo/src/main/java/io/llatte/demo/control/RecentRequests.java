package io.llatte.demo.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.LlmEvent;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.function.ToDoubleFunction;

/// What requests took: all of them counted, and the last ones remembered. Thread-safe.
final class RecentRequests {

    private static final int REMEMBERED = 512;

    private final Deque<LlmEvent.Generated> last = new ArrayDeque<>();
    private long failed;
    private long promptTokens;
    private long cachedTokens;

    synchronized void ended(LlmEvent.Generated request) {
        last.addLast(request);
        if (last.size() > REMEMBERED) {
            last.removeFirst();
        }
        promptTokens += request.usage().promptTokens();
        cachedTokens += request.usage().cachedTokens();
    }

    synchronized void failed() {
        failed++;
    }

    synchronized void put(ObjectNode node) {
        node.put("failed", failed).put("promptTokens", promptTokens).put("cachedTokens", cachedTokens);
        if (promptTokens == 0) {
            node.putNull("cacheHitShare");
        } else {
            node.put("cacheHitShare", (double) cachedTokens / promptTokens);
        }
        List<Double> waits = sorted(request -> request.timings().timeToFirstToken().toNanos() / 1e9);
        List<Double> prefills = sorted(request -> request.timings().prefillTokensPerSecond());
        List<Double> decodes = sorted(request -> request.timings().tokensPerSecond());
        put(node, "timeToFirstTokenSeconds", waits, 0.95);
        // Of a rate, 95 % of the requests have at least the number.
        put(node, "prefillTokensPerSecond", prefills, 0.05);
        put(node, "decodeTokensPerSecond", decodes, 0.05);
    }

    private static void put(ObjectNode node, String name, List<Double> sorted, double share) {
        if (sorted.isEmpty()) {
            node.putNull(name);
        } else {
            node.putObject(name).put("p50", at(sorted, 0.5)).put("p95", at(sorted, share));
        }
    }

    private static double at(List<Double> sorted, double share) {
        return sorted.get((int) Math.round(share * (sorted.size() - 1)));
    }

    /// What is above 0: a request of one token has no rate.
    private List<Double> sorted(ToDoubleFunction<LlmEvent.Generated> number) {
        List<Double> numbers = new ArrayList<>();
        last.forEach(request -> {
            double value = number.applyAsDouble(request);
            if (value > 0) {
                numbers.add(value);
            }
        });
        Collections.sort(numbers);
        return numbers;
    }
}
