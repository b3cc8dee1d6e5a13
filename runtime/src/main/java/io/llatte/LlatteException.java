package io.llatte;

/// The native side or the world refused. Misuse of the API is an [IllegalArgumentException] or an [IllegalStateException] instead.
///
/// Messages carry numbers: what was asked and what there was.
public abstract sealed class LlatteException extends RuntimeException
        permits AnswerFormatException,
                BackendUnavailableException,
                ContextOverflowException,
                DecodeException,
                DownloadException,
                EngineBusyException,
                EngineClosedException,
                GrammarException,
                IncompleteAnswerException,
                InsufficientMemoryException,
                MediaException,
                ModelLoadException,
                NativeAssertionException,
                SavedStateException,
                SpeculationException,
                TemplateException {

    private static final long serialVersionUID = 1L;

    LlatteException(String message) {
        super(message);
    }

    LlatteException(String message, Throwable cause) {
        super(message, cause);
    }
}
