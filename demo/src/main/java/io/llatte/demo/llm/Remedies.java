package io.llatte.demo.llm;

import io.llatte.AnswerFormatException;
import io.llatte.BackendUnavailableException;
import io.llatte.ContextOverflowException;
import io.llatte.DecodeException;
import io.llatte.DownloadException;
import io.llatte.EngineBusyException;
import io.llatte.EngineClosedException;
import io.llatte.GrammarException;
import io.llatte.IncompleteAnswerException;
import io.llatte.InsufficientMemoryException;
import io.llatte.LlatteException;
import io.llatte.MediaException;
import io.llatte.ModelLoadException;
import io.llatte.NativeAssertionException;
import io.llatte.SavedStateException;
import io.llatte.SpeculationException;
import io.llatte.TemplateException;
import io.llatte.demo.http.HttpFailure;
import java.util.concurrent.CancellationException;

/// What can be done about a failure, and what a client is told of it.
public final class Remedies {

    private Remedies() {
    }

    /// What to do, in a sentence; "" where there is nothing.
    public static String of(Throwable failure) {
        return failure instanceof LlatteException e ? remedy(e) : failure instanceof IllegalArgumentException ? "Correct the request." : "";
    }

    private static String remedy(LlatteException failure) {
        return switch (failure) {
            case AnswerFormatException _, IncompleteAnswerException _ -> "Ask again, or allow more tokens.";
            case BackendUnavailableException _ -> "Install the device's driver, or start the server with --policy prefer-gpu or cpu-only.";
            case ContextOverflowException _ -> "Shorten the conversation, or start the server with a larger --context.";
            case DecodeException _ -> "Load the model again; if it stays so, the server's log has llama.cpp's own words.";
            case DownloadException _ -> "Look at the network and the disk, then load again: what was downloaded is kept.";
            case EngineBusyException _ -> "Ask again later, or start the server with a higher --parallel.";
            case EngineClosedException _ -> "Ask again when the model is loaded.";
            case GrammarException _ -> "Correct the schema or grammar.";
            case InsufficientMemoryException _ -> "Choose a smaller model, a shorter --context or fewer --parallel answers, or free memory.";
            case MediaException _ -> "Send a PNG, JPEG, BMP, GIF or WebP picture, or a WAV or MP3 sound, that is whole.";
            case ModelLoadException _ -> "Remove the file and download it again, or choose another model.";
            case NativeAssertionException _ -> "This is a defect: the server's log has the place in llama.cpp.";
            case SavedStateException _ -> "Begin a new conversation.";
            case SpeculationException _ -> "Turn speculation off.";
            case TemplateException _ -> "The model's chat template does not take this conversation: look at its roles and tools.";
        };
    }

    /// What a client is told.
    public static HttpFailure toFailure(Throwable failure) {
        return switch (failure) {
            case HttpFailure e -> e;
            case ContextOverflowException e -> misuse(e, "context_length_exceeded");
            case GrammarException e -> misuse(e, "invalid_schema");
            case MediaException e -> misuse(e, "invalid_media");
            case TemplateException e -> misuse(e, "invalid_conversation");
            case EngineBusyException e -> HttpFailure.of(429, "rate_limit_error", "queue_full", e, of(e));
            case EngineClosedException e -> HttpFailure.of(503, "server_error", "model_unavailable", e, of(e));
            case DownloadException e -> HttpFailure.of(502, "server_error", "download_failed", e, of(e));
            case ModelLoadException e -> HttpFailure.of(503, "server_error", "model_load_failed", e, of(e));
            case BackendUnavailableException e -> HttpFailure.of(507, "server_error", "no_device", e, of(e));
            case InsufficientMemoryException e -> HttpFailure.of(507, "server_error", "insufficient_memory", e, of(e));
            case LlatteException e -> HttpFailure.of(500, "server_error", "generation_failed", e, of(e));
            case CancellationException e -> HttpFailure.of(503, "server_error", "cancelled", e, "Ask again.");
            case UnsupportedOperationException e -> misuse(e, "unsupported");
            case IllegalArgumentException e -> misuse(e, null);
            default -> HttpFailure.of(500, "server_error", "internal_error", new IllegalStateException("internal error", failure), "");
        };
    }

    private static HttpFailure misuse(Exception failure, String code) {
        return HttpFailure.of(400, "invalid_request_error", code, failure, of(failure));
    }
}
