package io.llatte.engine;

import io.llatte.EngineClosedException;
import io.llatte.NativeAssertionException;
import io.llatte.llama.ChatRequest;
import io.llatte.llama.ChatTemplate;
import io.llatte.llama.Context;
import io.llatte.llama.ContextOptions;
import io.llatte.llama.FinishReason;
import io.llatte.llama.GenerateOptions;
import io.llatte.llama.Generation;
import io.llatte.llama.Model;
import io.llatte.llama.RenderedChat;
import io.llatte.llama.Sampler;
import io.llatte.llama.Token;
import io.llatte.llama.TokenStream;
import io.llatte.llama.Vocab;
import io.llatte.model.ChatFormat;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingDeque;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A model in this process. One platform thread owns its context and answers one request after the other; what the last answer left in the
/// KV cache is used again where the next prompt begins the same way.
public final class InProcessEngine implements Engine {

    private static final Logger LOG = LoggerFactory.getLogger(InProcessEngine.class);

    private final ModelFile file;
    private final Model model;
    private final ContextOptions contextOptions;
    private final ChatTemplate template;
    private final List<String> stop;
    private final PlacementReport placement;
    private final LinkedBlockingDeque<Job> queue = new LinkedBlockingDeque<>();
    private final Thread loop;
    private Context context;
    private volatile boolean closing;

    /// A request and where its answer goes.
    private record Job(GenerationRequest request, TokenChannel channel) {
        static final Job LAST = new Job(null, null);
    }

    /// Takes over a loaded model, and closes it when it is closed.
    InProcessEngine(ModelFile file, Model model, Context context, ContextOptions contextOptions, PlacementReport placement) {
        this.file = file;
        this.model = model;
        this.context = context;
        this.contextOptions = contextOptions;
        this.placement = placement;
        ChatFormat format = ChatFormats.of(model, file);
        this.template = ChatTemplate.of(model, format.template());
        this.stop = format.stop();
        this.loop = Thread.ofPlatform().daemon().name("llatte-engine " + file.id()).start(this::answerAll);
    }

    @Override
    public String modelId() {
        return file.id();
    }

    @Override
    public PlacementReport placement() {
        return placement;
    }

    /// The file it was loaded from.
    ModelFile file() {
        return file;
    }

    /// The loaded model, to be read; the engine closes it.
    public Model model() {
        return model;
    }

    /// The context that answers, to be read; the engine closes it.
    Context context() {
        return context;
    }

    @Override
    public TokenStream generate(GenerationRequest request, Consumer<GenerationEnd> whenEnded) {
        var channel = new TokenChannel(whenEnded);
        var job = new Job(request, channel);
        channel.cancelWith(() -> cancelQueued(job));
        synchronized (queue) {
            if (closing) {
                throw new EngineClosedException("the engine of " + file.id() + " is closed");
            }
            queue.add(job);
        }
        return channel;
    }

    private void cancelQueued(Job job) {
        if (queue.remove(job)) {
            job.channel.endCancelled();
        }
    }

    private void answerAll() {
        try {
            Job job;
            while ((job = queue.take()) != Job.LAST) {
                answer(job);
            }
        } catch (InterruptedException e) {
            // Nobody has this thread but the engine, which does not interrupt it.
            LOG.error("the thread of the engine of {} was interrupted", file.id(), e);
            Thread.currentThread().interrupt();
        }
    }

    private void answer(Job job) {
        TokenChannel channel = job.channel;
        if (channel.isCancelled()) {
            channel.endCancelled();
            return;
        }
        try {
            generate(job.request, channel);
        } catch (NativeAssertionException e) {
            channel.fail(e);
            replaceContext();
        } catch (IllegalStateException e) {
            channel.fail(closing ? closedException() : e);
        } catch (RuntimeException e) {
            channel.fail(e);
        } catch (Error e) {
            channel.fail(new IllegalStateException("the engine of " + file.id() + " failed: " + e, e));
            throw e;
        }
    }

    private void generate(GenerationRequest request, TokenChannel channel) {
        int[] tokens;
        List<String> stops;
        boolean chat = false;
        switch (request.prompt()) {
            case Prompt.Chat(var messages) -> {
                RenderedChat rendered = template.render(ChatRequest.of(messages));
                tokens = tokenize(rendered.prompt());
                stops = Stream.of(rendered.stop(), stop, request.stop()).flatMap(List::stream).distinct().toList();
                chat = true;
            }
            case Prompt.Text(var text) -> {
                tokens = model.vocab().tokenize(text);
                stops = request.stop();
            }
        }
        var options = GenerateOptions.builder().maxTokens(request.maxTokens()).stop(stops).ignoreEog(request.ignoreEog()).build();
        try (Sampler sampler = request.sampling().newSampler(model);
             Generation generation = context.sequence(0).generate(tokens, sampler, options)) {
            channel.cancelWith(generation::cancel);
            boolean begun = !chat;
            while (generation.hasNext()) {
                Token token = generation.next();
                if (!begun) {
                    // Blanks between the template's last word and the answer's first.
                    token = new Token(token.id(), token.text().stripLeading());
                    begun = !token.text().isEmpty();
                }
                channel.add(token, generation.usage());
            }
            if (generation.finishReason() == FinishReason.CANCELLED && !channel.isCancelled()) {
                throw closedException();
            }
            channel.end(generation.finishReason(), generation.usage(), generation.timings());
        }
    }

    /// A template that writes BOS itself must not get a second one from the tokenizer.
    private int[] tokenize(String prompt) {
        Vocab vocab = model.vocab();
        boolean hasBos = vocab.bos() >= 0 && prompt.startsWith(vocab.text(vocab.bos()));
        return vocab.tokenize(prompt, !hasBos, true);
    }

    /// A context in which llama.cpp failed an assertion can only be closed.
    private void replaceContext() {
        try {
            context.close();
            context = model.newContext(contextOptions);
        } catch (RuntimeException e) {
            LOG.error("no new context for {} after a failed assertion: its requests fail until it is loaded again", file.id(), e);
        }
    }

    private EngineClosedException closedException() {
        return new EngineClosedException("the engine of " + file.id() + " was closed before the answer had ended");
    }

    @Override
    public void close() {
        var waiting = new ArrayList<Job>();
        synchronized (queue) {
            if (!closing) {
                closing = true;
                queue.drainTo(waiting);
                queue.add(Job.LAST);
            }
        }
        waiting.forEach(job -> job.channel.fail(closedException()));
        // Stops the decode that runs, and waits for it; the loop then finds the context closed, and its last job.
        model.close();
        template.close();
        join();
    }

    private void join() {
        boolean interrupted = false;
        while (loop.isAlive() && loop != Thread.currentThread()) {
            try {
                loop.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
