namespace Dbos.Fluent.Definitions;

/// <summary>The recorded names of built-in steps: what DBOS writes, and for what DBOS lacks a name under our own prefix.</summary>
internal static class BuiltInNames
{
    public const string Sleep = "DBOS.sleep";
    public const string GetResult = "DBOS.getResult";
    public const string All = "All";
}
