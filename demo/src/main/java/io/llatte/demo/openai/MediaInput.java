package io.llatte.demo.openai;

import io.llatte.MediaException;
import io.llatte.demo.http.HttpFailure;
import io.llatte.demo.http.JsonInput;
import io.llatte.llama.Audio;
import io.llatte.llama.Image;
import io.llatte.llama.Media;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Pictures and sounds of a request. They come with it: nothing is fetched for a client, from wherever it says.
final class MediaInput {

    private static final Pattern DATA_URL = Pattern.compile("data:[a-z0-9.+-]+/[a-z0-9.+-]+;base64,", Pattern.CASE_INSENSITIVE);

    private MediaInput() {
    }

    /// @param name the member that has the address
    static Media image(JsonInput part, String name) {
        String url = part.requiredString(name);
        Matcher header = DATA_URL.matcher(url);
        if (!header.lookingAt()) {
            throw HttpFailure.unsupported(part.pathOf(name), "pictures come as data:image/…;base64,…: addresses are not fetched");
        }
        return media(part, name, () -> Image.of(decode(part, name, url.substring(header.end()))));
    }

    /// @param name the member that has the base64
    static Media audio(JsonInput part, String name) {
        return media(part, name, () -> Audio.of(decode(part, name, part.requiredString(name))));
    }

    private static byte[] decode(JsonInput part, String name, String base64) {
        try {
            return Base64.getMimeDecoder().decode(base64);
        } catch (IllegalArgumentException e) {
            throw part.bad(name, "is no base64: " + e.getMessage());
        }
    }

    private static Media media(JsonInput part, String name, java.util.function.Supplier<Media> read) {
        try {
            return read.get();
        } catch (MediaException e) {
            throw part.bad(name, "cannot be read: " + e.getMessage());
        }
    }
}
