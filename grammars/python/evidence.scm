(assignment left: (_) @assign.name right: (_) @assign.value)
(call function: (_) @call.callee arguments: (argument_list) @call.arguments)
(string) @text
(concatenated_string) @text
(binary_operator) @text
(expression_statement (string) @ignore)
