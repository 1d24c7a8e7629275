//! The schema's definition for the compiler, which documents are validated against.

use std::sync::LazyLock;

use apollo_compiler::ast::{DirectiveList, Type};
use apollo_compiler::collections::HashMap;
use apollo_compiler::schema::{Component, ExtendedType, FieldDefinition, ObjectType};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Schema, name};

/// The schema's definition. A test compares the file with the schema that is executed.
pub(super) static SCHEMA: LazyLock<Valid<Schema>> = LazyLock::new(|| {
    let parsed = Schema::parse(include_str!("../../schema.graphql"), "schema.graphql");
    let mut schema = parsed.unwrap_or_else(|errors| errors.partial);
    // Tools request it, and the compiler does not know it. The schema has no such input.
    if let Some(ExtendedType::Object(about_type)) = schema.types.get_mut("__Type") {
        let is_one_of = FieldDefinition {
            description: None,
            name: name!("isOneOf"),
            arguments: Vec::new(),
            ty: Type::Named(name!("Boolean")),
            directives: DirectiveList::new(),
        };
        let fields = &mut about_type.make_mut().fields;
        fields.insert(name!("isOneOf"), Component::new(is_one_of));
    }
    // A test validates it, which would slow down a cold start.
    Valid::assume_valid(schema)
});

/// The object types that a value of this type can have. None for a leaf.
pub(super) fn possible_objects(name: &Name) -> impl Iterator<Item = &'static ObjectType> {
    static OF_INTERFACES: LazyLock<HashMap<Name, Vec<&ObjectType>>> = LazyLock::new(|| {
        let mut objects = HashMap::<Name, Vec<&ObjectType>>::default();
        for object in SCHEMA.types.values().filter_map(ExtendedType::as_object) {
            objects.entry(object.name.clone()).or_default().push(object);
            for interface in &object.implements_interfaces {
                objects.entry(interface.name.clone()).or_default().push(object);
            }
        }
        objects
    });
    OF_INTERFACES.get(name).into_iter().flatten().copied()
}

/// Whether a fragment on `condition` applies to an object (`DoesFragmentTypeApply`).
pub(super) fn applies(condition: &Name, object: &ObjectType) -> bool {
    *condition == object.name || object.implements_interfaces.contains(condition)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_valid() {
        let schema = Schema::parse_and_validate(include_str!("../../schema.graphql"), "schema.graphql");
        assert_eq!(
            schema.map(|_| ()).map_err(|failed| failed.errors.to_string()),
            Ok(())
        );
    }
}
