(variable_declarator name: (identifier) @assign.name value: (_) @assign.value)
(public_field_definition name: (_) @assign.name value: (_) @assign.value)
(enum_assignment name: (_) @assign.name value: (_) @assign.value)
(assignment_expression left: (_) @reassign.name right: (_) @reassign.value)
(augmented_assignment_expression left: (identifier) @append.name operator: "+=" right: (_) @append.value)
(required_parameter pattern: (identifier) @unknown.name)
(optional_parameter pattern: (identifier) @unknown.name)
(arrow_function parameter: (identifier) @unknown.name)
(required_parameter pattern: (object_pattern (shorthand_property_identifier_pattern) @unknown.name))
(for_in_statement left: (identifier) @unknown.name)
(call_expression function: (_) @call.callee arguments: (arguments) @call.arguments)
(new_expression constructor: (_) @call.callee arguments: (arguments) @call.arguments)
(class_declaration decorator: (decorator (call_expression function: (_) @annotation.name arguments: (_) @annotation.arguments))) @annotation.on
(abstract_class_declaration decorator: (decorator (call_expression function: (_) @annotation.name arguments: (_) @annotation.arguments))) @annotation.on
(export_statement decorator: (decorator (call_expression function: (_) @annotation.name arguments: (_) @annotation.arguments)) declaration: (_) @annotation.on)
(class_body (decorator (call_expression function: (_) @annotation.name arguments: (_) @annotation.arguments)) @annotation.on)
(public_field_definition decorator: (decorator (call_expression function: (_) @annotation.name arguments: (_) @annotation.arguments)) @annotation.on)
(string) @text
(template_string) @text
(binary_expression operator: "+") @text
(import_statement (import_clause (identifier) @import.alias) source: (string (string_fragment) @import.module)) @import.default
(import_statement (import_clause (named_imports (import_specifier name: (identifier) @import.name !alias))) source: (string (string_fragment) @import.module))
(import_statement (import_clause (named_imports (import_specifier name: (identifier) @import.name alias: (identifier) @import.alias))) source: (string (string_fragment) @import.module))
(import_statement (import_clause (namespace_import (identifier) @import.alias)) source: (string (string_fragment) @import.module))
(variable_declarator name: (identifier) @import.alias value: (call_expression function: (identifier) @_require arguments: (arguments . (string (string_fragment) @import.module) .)) (#eq? @_require "require")) @import.default
(variable_declarator name: (object_pattern (shorthand_property_identifier_pattern) @import.name) value: (call_expression function: (identifier) @_require arguments: (arguments . (string (string_fragment) @import.module) .)) (#eq? @_require "require"))
(export_statement "default" value: (_) @export.value)
(assignment_expression left: (member_expression) @_exports right: (_) @export.value (#eq? @_exports "module.exports"))
(export_statement (export_clause (export_specifier name: (identifier) @export.value alias: (identifier) @export.name)) !source)
(assignment_expression left: (member_expression) @_exports right: (object (pair key: (property_identifier) @export.name value: (_) @export.value)) (#eq? @_exports "module.exports"))
(assignment_expression left: (member_expression object: (_) @_exports property: (property_identifier) @export.name) right: (_) @export.value (#any-of? @_exports "exports" "module.exports"))
(object (pair key: (_) @pair.name value: (_) @pair.value)) @pair.group
