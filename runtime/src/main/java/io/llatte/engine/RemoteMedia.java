package io.llatte.engine;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.llama.Audio;
import io.llatte.llama.ChatMessage;
import io.llatte.llama.Image;
import io.llatte.llama.Media;
import java.util.Base64;

/// A message's content in OpenAI's form: a text, or parts where it carries pictures or sounds.
final class RemoteMedia {

    private RemoteMedia() {
    }

    static void write(ChatMessage message, ObjectNode target) {
        if (message.media().isEmpty()) {
            target.put("content", message.content());
            return;
        }
        ArrayNode parts = target.putArray("content");
        for (Media media : message.media()) {
            String data = Base64.getEncoder().encodeToString(media.toBytes());
            switch (media) {
                case Image image -> parts.addObject().put("type", "image_url").putObject("image_url")
                        .put("url", "data:%s;base64,%s".formatted(image.mediaType(), data));
                case Audio audio -> parts.addObject().put("type", "input_audio").putObject("input_audio").put("data", data)
                        .put("format", formatOf(audio));
            }
        }
        parts.addObject().put("type", "text").put("text", message.content());
    }

    private static String formatOf(Audio audio) {
        return switch (audio.mediaType()) {
            case "audio/mpeg" -> "mp3";
            case "audio/flac" -> "flac";
            default -> "wav";
        };
    }
}
