(assignment left: (_) @assign.name right: (_) @assign.value)
(call function: (_) @call.callee arguments: (argument_list) @call.arguments)
(string) @text
(concatenated_string) @text
(binary_operator) @text
(expression_statement (string) @ignore)
(import_from_statement module_name: (_) @import.module name: (dotted_name) @import.name)
(import_from_statement module_name: (_) @import.module name: (aliased_import name: (dotted_name) @import.name alias: (identifier) @import.alias))
(import_statement name: (dotted_name) @import.module)
(import_statement name: (aliased_import name: (dotted_name) @import.module alias: (identifier) @import.alias))
(argument_list (keyword_argument name: (identifier) @pair.name value: (_) @pair.value)) @pair.group
(dictionary (pair key: (string) @pair.name value: (_) @pair.value)) @pair.group
(parameters (identifier) @unknown.name)
(parameters (default_parameter name: (identifier) @unknown.name))
(parameters (typed_parameter (identifier) @unknown.name))
(parameters (typed_default_parameter name: (identifier) @unknown.name))
(for_statement left: (identifier) @unknown.name)
(augmented_assignment left: (identifier) @append.name operator: "+=" right: (_) @append.value)
(decorated_definition (decorator (call function: (_) @annotation.name arguments: (argument_list) @annotation.arguments))) @annotation.on
