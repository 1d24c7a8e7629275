import type { CodegenConfig } from "@graphql-codegen/cli";

const settings = {
  strictScalars: true,
  scalars: { Date: "string", DateTime: "string" },
  enumsAsTypes: true,
  useTypeImports: true,
  // Node wants the extension of what is imported.
  emitLegacyCommonJSImports: false,
};

// Paths start from the folder that the command runs in.
const config: CodegenConfig = {
  schema: "../../schema.graphql",
  generates: {
    "typed/__generated__/": {
      preset: "client",
      documents: ["typed/codegen*.ts", "examples/codegen.ts"],
      config: settings,
    },
    "typed/__generated__/throwing/": {
      preset: "client",
      documents: ["typed/throwing*.ts", "examples/throwing.ts"],
      config: { ...settings, nullability: { errorHandlingClient: true } },
    },
  },
};

export default config;
