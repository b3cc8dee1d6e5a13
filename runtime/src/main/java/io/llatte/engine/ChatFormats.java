package io.llatte.engine;

import io.llatte.llama.Model;
import io.llatte.model.ChatFormat;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// How a model is talked to.
final class ChatFormats {

    private static final Logger LOG = LoggerFactory.getLogger(ChatFormats.class);

    private static final ChatFormat CHAT_ML = new ChatFormat("""
            {%- for message in messages -%}
            {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}
            {%- endfor -%}
            {%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}""", List.of("<|im_end|>"));

    private ChatFormats() {
    }

    /// The file's own template, else what the catalog knows, else ChatML, which is what llama.cpp's tools take then.
    static ChatFormat of(Model model, ModelFile file) {
        return model.chatTemplateSource().map(source -> new ChatFormat(source, List.of()))
                .or(file::chatFormat)
                .orElseGet(() -> {
                    if (model.embeddingInfo().generates()) {
                        LOG.warn("{} has no chat template; talking to it in ChatML, which it may not know", file.id());
                    }
                    return CHAT_ML;
                });
    }
}
