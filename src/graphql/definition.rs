//! The schema's definitions for the compiler, which documents are validated against.

use std::sync::{LazyLock, OnceLock};

use apollo_compiler::ast::{DirectiveList, Type};
use apollo_compiler::collections::HashMap;
use apollo_compiler::schema::{
    Component, ExtendedType, FieldDefinition, Implementers, ObjectType, SchemaBuilder,
};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Node, Schema, name};

use super::Federation;

/// The schema. A test compares the file with the schema that is executed.
pub(super) const SDL: &str = include_str!("../../schema.graphql");

/// The fields that a subgraph has besides.
const OF_SUBGRAPH: &str = include_str!("subgraph.graphql");

/// The definition of the schema, or of the schema as a subgraph. Each is built when it is first used.
pub(super) fn definition(federation: Federation) -> &'static LazyLock<Definition> {
    static OF_SERVICE: LazyLock<Definition> = LazyLock::new(|| Definition::parse(&[SDL]));
    static OF_GRAPH: LazyLock<Definition> = LazyLock::new(|| Definition::parse(&[SDL, OF_SUBGRAPH]));
    match federation {
        Federation::Off => &OF_SERVICE,
        Federation::On => &OF_GRAPH,
    }
}

/// A schema's definition.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) schema: Valid<Schema>,
    /// The object types that a value can have, by the name of its type.
    objects: HashMap<Name, Vec<Node<ObjectType>>>,
    implementers: OnceLock<HashMap<Name, Implementers>>,
}

impl Definition {
    fn parse(sources: &[&str]) -> Self {
        let mut schema = parsed(sources).build().unwrap_or_else(|errors| errors.partial);
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
        Self {
            objects: objects(&schema),
            // A test validates it, which would slow down a cold start.
            schema: Valid::assume_valid(schema),
            implementers: OnceLock::new(),
        }
    }

    /// The object types that a value of this type can have. None for a leaf.
    pub(super) fn possible_objects(&self, name: &Name) -> &[Node<ObjectType>] {
        self.objects.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether a fragment on `condition` applies to an object (`DoesFragmentTypeApply`).
    pub(super) fn applies(&self, condition: &Name, object: &ObjectType) -> bool {
        let mut objects = self.possible_objects(condition).iter();
        objects.any(|possible| possible.name == object.name)
    }

    /// The types that implement each interface.
    pub(super) fn implementers(&self) -> &HashMap<Name, Implementers> {
        self.implementers.get_or_init(|| self.schema.implementers_map())
    }
}

/// The object types by their own names, and by those of the interfaces and unions that they belong to.
fn objects(schema: &Schema) -> HashMap<Name, Vec<Node<ObjectType>>> {
    let mut objects = HashMap::<Name, Vec<Node<ObjectType>>>::default();
    let mut add = |name: &Name, object: &Node<ObjectType>| {
        objects.entry(name.clone()).or_default().push(object.clone());
    };
    for ty in schema.types.values() {
        match ty {
            ExtendedType::Object(object) => {
                add(&object.name, object);
                for interface in &object.implements_interfaces {
                    add(&interface.name, object);
                }
            }
            ExtendedType::Union(union) => {
                for member in &union.members {
                    if let Some(object) = schema.get_object(&member.name) {
                        add(&union.name, object);
                    }
                }
            }
            _ => {}
        }
    }
    objects
}

fn parsed(sources: &[&str]) -> SchemaBuilder {
    sources.iter().fold(Schema::builder(), |builder, source| {
        builder.parse(*source, "schema.graphql")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schemas_are_valid() {
        for sources in [&[SDL][..], &[SDL, OF_SUBGRAPH]] {
            let errors = match parsed(sources).build().map(Schema::validate) {
                Ok(Ok(_)) => String::new(),
                Ok(Err(failed)) | Err(failed) => failed.errors.to_string(),
            };
            assert_eq!(errors, "");
        }
    }
}
