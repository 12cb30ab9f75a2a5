using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>The kinds of row that a history distinguishes: two steps of one name but different kinds do not match.</summary>
internal enum RecordedKind
{
    /// <summary>A step with the user's own body.</summary>
    Run,

    /// <summary>The start of a child workflow.</summary>
    Child,

    /// <summary>A step of the library, recognized by its reserved name.</summary>
    BuiltIn,
}

internal static class RecordedKinds
{
    public static RecordedKind Of(CheckpointRow row) =>
        BuiltInNames.PrefixOf(row.Name) is not null ? RecordedKind.BuiltIn
        : row.ChildId is not null ? RecordedKind.Child
        : RecordedKind.Run;

    public static string Describe(this RecordedKind kind) => kind switch
    {
        RecordedKind.Run => "step",
        RecordedKind.Child => "child workflow",
        _ => "built-in step",
    };
}
