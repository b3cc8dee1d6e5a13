package io.llatte.model;

import java.util.List;

/// How to converse with a model that brings no chat template, such as a base model.
///
/// @param template a jinja chat template
/// @param stop texts that end an answer
public record ChatFormat(String template, List<String> stop) {

    public ChatFormat {
        stop = List.copyOf(stop);
    }
}
