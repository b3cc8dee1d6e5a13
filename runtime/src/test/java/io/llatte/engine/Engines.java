package io.llatte.engine;

import io.llatte.SpeakingModels;
import io.llatte.llama.SamplingOptions;
import io.llatte.llama.Token;
import io.llatte.llama.TokenStream;
import io.llatte.memory.DeviceArena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Real engines on tiny models, on the CPU with one thread.
final class Engines {

    static final String WORDS = "once upon a time there was a small cat that sat on the mat and looked at the moon ";

    private Engines() {
    }

    static EngineOptions.Builder options(int contextLength) {
        return EngineOptions.builder().policy(PlacementPolicy.CPU_ONLY).threads(1).contextSize(ContextSize.of(contextLength));
    }

    static InProcessEngine load(DeviceArena arena, Path folder, EngineOptions options) {
        return load(arena, folder, SpeakingModels.A, options);
    }

    static InProcessEngine load(DeviceArena arena, Path folder, String model, EngineOptions options) {
        Path file = SpeakingModels.add(folder, model);
        return (InProcessEngine) new EngineLoader(arena, Optional.empty()).load(new ModelFile(model, file, Optional.empty()), options,
                LoadObserver.NONE);
    }

    static GenerationRequest greedy(String text, int maxTokens) {
        return endless(new Prompt.Text(text), maxTokens).build();
    }

    /// Greedy, whatever token comes.
    static GenerationRequest.Builder endless(Prompt prompt, int maxTokens) {
        return GenerationRequest.builder(prompt).sampling(SamplingOptions.greedy()).maxTokens(maxTokens).ignoreEog(true);
    }

    static TokenStream start(Engine engine, GenerationRequest request) {
        return engine.generate(request, _ -> { });
    }

    /// All ids of an answer.
    static List<Integer> read(TokenStream stream) {
        try (stream) {
            var ids = new ArrayList<Integer>();
            stream.forEachRemaining((Token token) -> ids.add(token.id()));
            return ids;
        }
    }
}
