package io.llatte.model;

import io.llatte.model.ModelReference.Hub;
import io.llatte.model.ModelReference.LocalFile;
import io.llatte.model.ModelReference.Name;
import io.llatte.model.ModelReference.Url;
import java.net.URI;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The grammar of [ModelReference#parse].
final class ReferenceParser {

    private static final Pattern SCHEME = Pattern.compile("([A-Za-z][A-Za-z0-9+.-]+):.*", Pattern.DOTALL);     // one letter is a drive
    private static final Pattern HUB = Pattern.compile("hf:(?://)?([^:@]*)(?:@([^:]*))?(?::(.*))?", Pattern.CASE_INSENSITIVE);
    private static final Pattern HUB_PAGE = Pattern.compile("/([^/]+/[^/]+)/(?:resolve|blob)/([^/]+)/(.+\\.gguf)");

    private ReferenceParser() {
    }

    static ModelReference parse(String text) {
        if (text.isEmpty()) {
            throw new IllegalArgumentException("nothing is named");
        }
        Matcher scheme = SCHEME.matcher(text);
        if (!scheme.matches()) {
            return path(text);
        }
        return switch (scheme.group(1).toLowerCase(Locale.ROOT)) {
            case "hf" -> hub(text);
            case "http", "https" -> url(URI.create(text));
            case "file" -> new LocalFile(Path.of(URI.create(text)));
            default -> throw new IllegalArgumentException("unknown scheme " + scheme.group(1));
        };
    }

    private static ModelReference path(String text) {
        Path path;
        try {
            path = Path.of(text);
        } catch (InvalidPathException e) {
            throw new IllegalArgumentException("not a path: " + e.getReason(), e);
        }
        return path.getNameCount() == 1 && !path.isAbsolute() && !text.startsWith(".") ? new Name(text) : new LocalFile(path);
    }

    private static ModelReference hub(String text) {
        Matcher parts = HUB.matcher(text);
        if (!parts.matches()) {
            throw new IllegalArgumentException("not of the form hf:owner/repository");
        }
        Optional<String> last = Optional.ofNullable(parts.group(3));
        boolean isFile = last.filter(name -> name.toLowerCase(Locale.ROOT).endsWith(".gguf")).isPresent();
        return new Hub(parts.group(1), Optional.ofNullable(parts.group(2)).orElse(HubNames.DEFAULT_REVISION),
                isFile ? last : Optional.empty(), isFile ? Optional.empty() : last);
    }

    private static ModelReference url(URI uri) {
        Matcher page = HUB_PAGE.matcher(uri.getPath() == null ? "" : uri.getPath());
        if (HubSettings.isDefaultHost(uri.getHost()) && page.matches()) {
            return new Hub(page.group(1), page.group(2), Optional.of(page.group(3)), Optional.empty());
        }
        return new Url(uri);
    }
}
