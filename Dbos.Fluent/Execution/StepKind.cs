using Dbos.Fluent.Model;
using Dbos.Fluent.Storage;

namespace Dbos.Fluent.Execution;

/// <summary>The kinds of row that a history tells apart: two steps of one name but different kinds do not match.</summary>
internal enum StepKind
{
    /// <summary>A step with a body of the user's own.</summary>
    Run,

    /// <summary>The start of a child workflow.</summary>
    Child,

    /// <summary>A step of the library's, told by its reserved name.</summary>
    BuiltIn,
}

internal static class StepKinds
{
    public static StepKind Of(CheckpointRow row) =>
        BuiltInNames.PrefixOf(row.Name) is not null ? StepKind.BuiltIn
        : row.ChildId is not null ? StepKind.Child
        : StepKind.Run;

    public static string Describe(this StepKind kind) => kind switch
    {
        StepKind.Run => "step",
        StepKind.Child => "child workflow",
        _ => "built-in step",
    };
}
