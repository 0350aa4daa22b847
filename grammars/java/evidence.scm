(variable_declarator name: (identifier) @assign.name value: (_) @assign.value)
(assignment_expression left: (_) @reassign.name operator: "=" right: (_) @reassign.value)
(assignment_expression left: (identifier) @append.name operator: "+=" right: (_) @append.value)
(formal_parameter name: (identifier) @unknown.name)
(enhanced_for_statement name: (identifier) @unknown.name)
(method_invocation name: (_) @call.callee arguments: (argument_list) @call.arguments)
(object_creation_expression type: (_) @call.callee arguments: (argument_list) @call.arguments)
(_ (modifiers (annotation name: (_) @annotation.name arguments: (_) @annotation.arguments))) @annotation.on
(_ (modifiers (marker_annotation name: (_) @annotation.name))) @annotation.on
(string_literal) @text
(binary_expression operator: "+") @text
(import_declaration (scoped_identifier) @import.module)
(import_declaration "static" (scoped_identifier) @import.module (asterisk) @import.alias)
(field_access object: (identifier) @import.beside (#match? @import.beside "^[A-Z]"))
