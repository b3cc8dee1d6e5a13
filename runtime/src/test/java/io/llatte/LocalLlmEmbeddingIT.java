package io.llatte;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.llatte.engine.EngineOptions;
import io.llatte.engine.PlacementPolicy;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.EmbeddingOptions;
import io.llatte.model.ModelStore;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class LocalLlmEmbeddingIT {

    @TempDir
    private Path folder;

    private ModelStore store;
    private LocalLlm llm;

    @BeforeEach
    void open() throws Exception {
        store = SpeakingModels.store(folder.resolve("models"));
        TinyBert.embedding(folder.resolve("models").resolve("bert.gguf"));
        TinyBert.ranking(folder.resolve("models").resolve("ranking.gguf"));
        llm = llm(SwitchPolicy.patient());
    }

    private LocalLlm llm(SwitchPolicy policy) {
        return LocalLlm.builder().store(store).preferenceFile(folder.resolve("state").resolve("model")).switchPolicy(policy)
                .options(EngineOptions.builder().policy(PlacementPolicy.CPU_ONLY).threads(1).build()).build();
    }

    @AfterEach
    void close() {
        llm.close();
    }

    @Test
    void embeddingModel_loadsEmbedsRefusesChat_andIsSwitchedAway() {
        llm.init("bert.gguf");
        assertThat(llm.embed(List.of("the cat", "the dog"))).hasDimensions(2, TinyBert.LENGTH);
        assertThat(llm.embed(List.of("the cat"), EmbeddingOptions.defaults()).tokens()).isEqualTo(4);
        assertThatExceptionOfType(UnsupportedOperationException.class).isThrownBy(() -> llm.chat(List.of(ChatMessage.user("hello"))))
                .withMessageContaining("bert");
        assertThat(llm.status().state()).isEqualTo(LlmState.IDLE);

        llm.switchModel(SpeakingModels.A);
        assertThat(llm.embed(List.of("hello"))).hasNumberOfRows(1);
        assertThat(llm.complete("hello", ChatOptions.builder().maxTokens(2).ignoreEog(true).build()).usage().generatedTokens()).isEqualTo(2);
        llm.switchModel("ranking.gguf");
        assertThat(llm.rerank("who", List.of("cat", "dog")).documents()).hasSize(2);
        llm.unload();
        assertThat(llm.ledger().totalBytes()).isZero();
    }

    @Test
    void call_loadsTheModelThatWasLast() {
        llm.init("bert.gguf");
        llm.unload();
        assertThat(llm.embed(List.of("the cat"))).hasNumberOfRows(1);
    }

    @Test
    void switchThatWaits_letsACallEnd_andOneThatCancels_endsIt() throws Exception {
        List<String> many = Collections.nCopies(3000, "the cat sat on the mat");
        llm.init("bert.gguf");
        var waits = CompletableFuture.supplyAsync(() -> llm.embed(many));
        while (llm.status().state() != LlmState.ACTIVE && !waits.isDone()) {
            Thread.onSpinWait();
        }
        llm.switchModel(SpeakingModels.A);
        assertThat(waits.join()).hasNumberOfRows(3000);
        llm.close();

        llm = llm(SwitchPolicy.prompt());
        llm.init("bert.gguf");
        var cancelled = CompletableFuture.runAsync(() -> llm.embed(Collections.nCopies(200_000, "the cat sat on the mat")));
        while (llm.status().state() != LlmState.ACTIVE && !cancelled.isDone()) {
            Thread.onSpinWait();
        }
        llm.switchModel(SpeakingModels.A);
        assertThatExceptionOfType(CompletionException.class).isThrownBy(cancelled::join).withCauseInstanceOf(CancellationException.class);
    }
}
