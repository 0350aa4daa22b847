(command) @text
