import type { CodegenConfig } from "@graphql-codegen/cli";

// Paths start from the folder that the command runs in.
const config: CodegenConfig = {
  schema: "../../schema.graphql",
  documents: ["typed/codegen*.ts", "examples/codegen.ts"],
  generates: {
    "typed/__generated__/": {
      preset: "client",
      config: {
        strictScalars: true,
        scalars: { Date: "string", DateTime: "string" },
        enumsAsTypes: true,
        useTypeImports: true,
        // Node wants the extension of what is imported.
        emitLegacyCommonJSImports: false,
      },
    },
  },
};

export default config;
