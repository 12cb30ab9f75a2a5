namespace Dbos.Fluent.Storage.Postgres; internal static class SchemaName { public static string Check(string s) => s; }
