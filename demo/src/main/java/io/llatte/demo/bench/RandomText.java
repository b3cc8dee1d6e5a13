package io.llatte.demo.bench;

import io.llatte.llama.Model;
import io.llatte.llama.ModelOptions;
import io.llatte.llama.Vocab;
import io.llatte.memory.DeviceArena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/// Prompts of a given length that begin differently each time, so that nothing of one is in the cache for the next. The caller closes it.
final class RandomText implements AutoCloseable {

    private static final List<String> ANY_WORDS = List.of("a", "in", "the", "milk", "cup", "of", "hot", "tea");
    private static final int FEW = 100;

    private final SplittableRandom random = new SplittableRandom(2);
    private final DeviceArena arena = DeviceArena.open();
    private final Vocab vocab;
    private final List<String> words = new ArrayList<>();

    RandomText(Path model) {
        vocab = Model.load(model, ModelOptions.builder().vocabularyOnly(true).build(), arena).vocab();
        for (int id = 0; id < vocab.size(); id++) {
            String piece = vocab.piece(id);
            if (piece.matches(" [a-z]{2,12}")) {
                words.add(piece.strip());
            }
        }
        if (words.size() < FEW) {
            words.addAll(ANY_WORDS);
        }
    }

    /// Words that are at most so many tokens, and close to it; at least one word.
    String ofTokens(int tokens) {
        String[] chosen = new String[Math.max(tokens, 1)];
        Arrays.setAll(chosen, _ -> words.get(random.nextInt(words.size())));
        int fits = 1;
        for (int tooMany = chosen.length + 1; tooMany - fits > 1; ) {
            int count = (fits + tooMany) / 2;
            if (vocab.tokenize(join(chosen, count)).length <= tokens) {
                fits = count;
            } else {
                tooMany = count;
            }
        }
        return join(chosen, fits);
    }

    private static String join(String[] words, int count) {
        return String.join(" ", Arrays.asList(words).subList(0, count));
    }

    @Override
    public void close() {
        arena.close();
    }
}
