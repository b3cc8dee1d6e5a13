package io.llatte.llama;

import io.llatte.memory.MemoryPlan;
import io.llatte.memory.MemoryUsage;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/// Makes vectors of texts, and ranks documents. It has a context of its own, charged like any other; the caller closes it, and so does closing the
/// model. Any thread; calls of several take turns, after each batch.
///
/// Texts are evaluated many together, as many as a micro-batch holds. A text is evaluated within one, since its vectors are pooled there; only with
/// [Pooling#LAST] and a model whose tokens see none after them it may be longer than that.
public final class Embedder implements AutoCloseable {

    /// llama.cpp keeps room for the logits of every row, also for models that compute none: for a part of a text, and for a whole one.
    private static final long PART_LOGITS_BYTES = 128L << 20;
    private static final long TEXT_LOGITS_BYTES = 512L << 20;
    private static final int LEAST_PART = 64;
    private static final int DEFAULT_LONGEST = 2048;
    private static final int DEFAULT_LONGEST_WITH_LOGITS = 512;

    private final Model model;
    private final Context context;
    private final Batch batch;
    private final Pooling pooling;
    private final int longestText;
    private final boolean inParts;
    private final boolean encodes;
    private final ReentrantLock lock = new ReentrantLock(true);

    private Embedder(Model model, Context context, Pooling pooling, int longestText, boolean inParts) {
        this.model = model;
        this.context = context;
        this.batch = context.newBatch();
        this.pooling = pooling;
        this.longestText = longestText;
        this.inParts = inParts;
        this.encodes = model.info().encoder();
    }

    static Embedder open(Model model, EmbedderOptions options) {
        if (model.info().encoder() && model.info().decoder()) {
            throw new UnsupportedOperationException("%s has an encoder and a decoder: embeddings of such models are not supported"
                    .formatted(model.path().getFileName()));
        }
        EmbeddingInfo info = model.embeddingInfo();
        Pooling pooling = info.resolve(options.pooling());
        if (pooling == Pooling.RANK && info.rankOutputs() == 0) {
            throw new UnsupportedOperationException("%s cannot rank: it has no classification head".formatted(model.path().getFileName()));
        }
        boolean inParts = pooling == Pooling.LAST && info.causal();
        int longest = longestText(options, info, inParts, model.info());
        int rows = inParts ? Math.min(longest, partSize(model.info().vocabSize())) : longest;
        Context context = model.newContext(ContextOptions.builder().contextLength(longest).batchSize(rows).microBatchSize(rows)
                .maxSequences(Math.min(options.sequences(), rows)).threads(options.threads()).batchThreads(options.threads())
                .pooling(pooling).embeddings(true).unifiedKv(true).build());
        try {
            chargeOutputs(context, (long) rows * (model.info().vocabSize() + info.length()) * Float.BYTES);
            return new Embedder(model, context, pooling, longest, inParts);
        } catch (RuntimeException e) {
            context.close();
            throw e;
        }
    }

    /// llama.cpp makes the buffer with the first batch that needs it, and its account leaves it out.
    private static void chargeOutputs(Context context, long bytes) {
        var outputs = List.of(new MemoryUsage("CPU", "outputs", 0, 0, bytes));
        context.newChild("outputs of an embedder", scope -> {
            scope.admit("the outputs of an embedder", new MemoryPlan(outputs));
            scope.charge(outputs);
            return scope;
        });
    }

    private static int longestText(EmbedderOptions options, EmbeddingInfo info, boolean inParts, ModelInfo model) {
        if (options.longestText() > info.learnedPositions()) {
            throw new IllegalArgumentException("longestText is %d, and the model learned %d positions".formatted(options.longestText(),
                    info.learnedPositions()));
        }
        int standard = inParts ? DEFAULT_LONGEST : info.logits() ? DEFAULT_LONGEST_WITH_LOGITS
                : rowsOfLogits(TEXT_LOGITS_BYTES, model.vocabSize(), DEFAULT_LONGEST_WITH_LOGITS, DEFAULT_LONGEST);
        int trained = model.trainingContextLength();
        int longest = options.longestText() != 0 ? options.longestText() : trained > 0 ? Math.min(trained, standard) : standard;
        return Math.min(longest, info.learnedPositions());
    }

    private static int partSize(int vocabSize) {
        return rowsOfLogits(PART_LOGITS_BYTES, vocabSize, LEAST_PART, DEFAULT_LONGEST_WITH_LOGITS);
    }

    private static int rowsOfLogits(long bytes, int vocabSize, int least, int most) {
        return Math.clamp(bytes / (Float.BYTES * (long) Math.max(1, vocabSize)), least, most);
    }

    /// The model that it embeds with.
    public Model model() {
        return model;
    }

    /// How the vectors of a text's tokens become one; never [Pooling#MODEL].
    public Pooling pooling() {
        return pooling;
    }

    /// Tokens of the longest text that is evaluated as one, special ones among them.
    public int longestText() {
        return longestText;
    }

    /// Batches that were evaluated so far.
    public long batches() {
        return context.decodes();
    }

    /// Vectors of texts, normalised; long texts are refused. See [#embed(List, EmbeddingOptions, Executor)].
    public Embeddings embed(List<String> texts) {
        return embed(texts, EmbeddingOptions.defaults().withPooling(pooling), Runnable::run);
    }

    /// Vectors of texts, `float[texts][length]`. Special tokens are added as the model asks, and those named in a text are recognised, as llama.cpp's
    /// own tools do.
    ///
    /// @param options its pooling must be this embedder's, or [Pooling#MODEL]
    /// @param steps runs each batch, of a micro-batch at most, and returns when that is done; `Runnable::run` for the calling thread
    /// @throws io.llatte.ContextOverflowException if a text has more tokens than [#longestText()] and is not to be split; nothing was evaluated
    /// @throws IllegalArgumentException if a text has no token at all, as an empty one where the model adds none, or another pooling is asked for
    /// @throws UnsupportedOperationException if this does not pool, or ranks
    /// @throws CancellationException if the thread is interrupted, which stays so, or the batch was cancelled
    /// @throws io.llatte.DecodeException if llama.cpp refused or failed
    /// @throws IllegalStateException if it is closed
    public Embeddings embed(List<String> texts, EmbeddingOptions options, Executor steps) {
        if (options.pooling() != Pooling.MODEL && options.pooling() != pooling) {
            throw new IllegalArgumentException("this embedder pools by %s, not by %s".formatted(pooling, options.pooling()));
        }
        if (pooling == Pooling.NONE || pooling == Pooling.RANK) {
            throw new UnsupportedOperationException(pooling == Pooling.NONE ? "without pooling a text has a vector for each token: see tokenVectors"
                    : "the model ranks, and its scores are no embeddings: see rerank, or name another pooling");
        }
        List<Row> rows = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            String text = Objects.requireNonNull(texts.get(i), "a text");
            TextParts parts = TextParts.of(text, i, model.vocab(), longestText, options.longText());
            for (int part = 0; part < parts.parts().size(); part++) {
                rows.add(new Row(i, parts.parts().get(part), parts.weights()[part]));
            }
        }
        evaluate(rows, steps);
        float[][] vectors = average(rows, texts.size());
        if (options.normalize()) {
            for (float[] vector : vectors) {
                Embeddings.normalize(vector);
            }
        }
        return new Embeddings(vectors, tokensOf(rows));
    }

    /// A vector for each token of a text, as the model gives them, `float[tokens][length]`; special tokens are among them.
    ///
    /// @throws UnsupportedOperationException if the pooling is not [Pooling#NONE]
    /// @throws io.llatte.ContextOverflowException if the text has more tokens than [#longestText()]
    public float[][] tokenVectors(String text) {
        if (pooling != Pooling.NONE) {
            throw new UnsupportedOperationException("this embedder pools by %s: it has one vector for a text".formatted(pooling));
        }
        int[] ids = TextParts.of(text, 0, model.vocab(), longestText, EmbeddingOptions.LongText.REFUSE).parts().getFirst();
        return locked(() -> {
            clear();
            decode(ids, 0, ids.length, 0);
            float[][] vectors = new float[ids.length][];
            for (int row = 0; row < vectors.length; row++) {
                vectors[row] = context.embeddings(row);
            }
            return vectors;
        });
    }

    /// Ranks documents by how well they answer a query. See [#rerank(String, List, Executor)].
    public Reranking rerank(String query, List<String> documents) {
        return rerank(query, documents, Runnable::run);
    }

    /// The same; a pair of query and document is written as llama.cpp's server writes it, and special tokens named in them are only text, unless the
    /// model's file brings a template for such pairs.
    ///
    /// @param steps as of [#embed(List, EmbeddingOptions, Executor)]
    /// @throws UnsupportedOperationException if the model does not rank, or this pools otherwise
    /// @throws io.llatte.ContextOverflowException if a pair has more tokens than [#longestText()]; nothing was evaluated
    /// @throws CancellationException if the thread is interrupted, which stays so, or the batch was cancelled
    public Reranking rerank(String query, List<String> documents, Executor steps) {
        if (pooling != Pooling.RANK) {
            throw new UnsupportedOperationException("this embedder pools by %s and does not rank".formatted(pooling));
        }
        var prompt = new RankPrompt(model, Objects.requireNonNull(query, "query"));
        List<Row> rows = new ArrayList<>();
        for (int i = 0; i < documents.size(); i++) {
            int[] ids = prompt.ids(Objects.requireNonNull(documents.get(i), "a document"));
            if (ids.length == 0) {
                throw new IllegalArgumentException("query and document %d are empty: the model has no token for them".formatted(i));
            }
            if (ids.length > longestText) {
                throw TextParts.tooLong("the query with document " + i, ids.length, longestText);
            }
            rows.add(new Row(i, ids, 1));
        }
        evaluate(rows, steps);
        return new Reranking(rows.stream().map(row -> new Reranking.Document(row.text, row.vector[0])).toList(), tokensOf(rows));
    }

    /// Stops the batch that is evaluated now, on any thread; the call that it belongs to ends as cancelled.
    public void cancel() {
        context.cancel();
    }

    public boolean isOpen() {
        return context.isOpen();
    }

    /// Cancels a running call, waits for it, and frees the context. Idempotent; any thread.
    @Override
    public void close() {
        context.close();
    }

    /// A text, or a part of one, and what came of it.
    private static final class Row {

        private final int text;
        private final int[] ids;
        private final int weight;
        private volatile float[] vector;

        private Row(int text, int[] ids, int weight) {
            this.text = text;
            this.ids = ids;
            this.weight = weight;
        }
    }

    private static long tokensOf(List<Row> rows) {
        return rows.stream().mapToLong(row -> row.ids.length).sum();
    }

    /// Evaluates rows in their order, as many together as there is room for.
    private void evaluate(List<Row> rows, Executor steps) {
        for (int from = 0; from < rows.size();) {
            int to = from;
            int tokens = 0;
            while (to < rows.size() && to - from < context.maxSequences() && tokens + rows.get(to).ids.length <= batch.capacity()) {
                tokens += rows.get(to++).ids.length;
            }
            if (to > from) {
                List<Row> together = rows.subList(from, to);
                locked(() -> {
                    steps.execute(() -> evaluateTogether(together));
                    return null;
                });
                from = to;
            } else {
                Row longer = rows.get(from++);
                locked(() -> {
                    evaluateInParts(longer, steps);
                    return null;
                });
            }
        }
    }

    private void evaluateTogether(List<Row> rows) {
        clear();
        batch.clear();
        for (int sequence = 0; sequence < rows.size(); sequence++) {
            add(rows.get(sequence).ids, 0, rows.get(sequence).ids.length, sequence);
        }
        decode();
        for (int sequence = 0; sequence < rows.size(); sequence++) {
            rows.get(sequence).vector = context.sequenceEmbeddings(sequence);
        }
    }

    private void evaluateInParts(Row row, Executor steps) {
        if (!inParts) {
            throw new IllegalStateException("a row of %d tokens in a batch of %d".formatted(row.ids.length, batch.capacity()));
        }
        for (int from = 0; from < row.ids.length; from += batch.capacity()) {
            int first = from;
            checkInterrupt();
            steps.execute(() -> {
                if (first == 0) {
                    clear();
                }
                int to = Math.min(row.ids.length, first + batch.capacity());
                decode(row.ids, first, to, 0);
                if (to == row.ids.length) {
                    row.vector = context.sequenceEmbeddings(0);
                }
            });
        }
    }

    private void decode(int[] ids, int from, int to, int sequence) {
        batch.clear();
        add(ids, from, to, sequence);
        decode();
    }

    /// Every row has output: pooling needs them all.
    private void add(int[] ids, int from, int to, int sequence) {
        for (int i = from; i < to; i++) {
            batch.add(ids[i], i, sequence, true);
        }
    }

    private void decode() {
        if (encodes) {
            context.encode(batch);
        } else {
            context.decode(batch);
        }
    }

    private void clear() {
        if (context.hasCache()) {
            context.clear();
        }
    }

    /// Each text weighs as much as it has tokens.
    private static float[][] average(List<Row> rows, int texts) {
        float[][] vectors = new float[texts][];
        int[] weights = new int[texts];
        rows.forEach(row -> weights[row.text] += row.weight);
        for (Row row : rows) {
            if (row.weight == weights[row.text]) {
                vectors[row.text] = row.vector;
                continue;
            }
            if (vectors[row.text] == null) {
                vectors[row.text] = new float[row.vector.length];
            }
            float share = (float) row.weight / weights[row.text];
            for (int i = 0; i < row.vector.length; i++) {
                vectors[row.text][i] += share * row.vector[i];
            }
        }
        return vectors;
    }

    private <T> T locked(Supplier<T> call) {
        checkInterrupt();
        try {
            lock.lockInterruptibly();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw interrupted();
        }
        try {
            return call.get();
        } finally {
            lock.unlock();
        }
    }

    private static void checkInterrupt() {
        if (Thread.currentThread().isInterrupted()) {
            throw interrupted();
        }
    }

    private static CancellationException interrupted() {
        return new CancellationException("interrupted while texts were embedded");
    }
}
