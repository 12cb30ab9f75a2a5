using System.Diagnostics;

namespace Dbos.Fluent.Storage;

/// <summary>The stored words of <see cref="Overlap"/>, in <c>fluent_schedules</c>.</summary>
internal static class OverlapWords
{
    public const string Allow = "allow";
    public const string Skip = "skip";
    public const string QueueOne = "queue_one";

    public static string ToStored(Overlap overlap) => overlap switch
    {
        Overlap.Allow => Allow,
        Overlap.Skip => Skip,
        Overlap.QueueOne => QueueOne,
        _ => throw new UnreachableException($"Unknown overlap {overlap}."),
    };

    /// <summary>A schedule of another SDK has no word.</summary>
    public static Overlap Parse(string? stored) => stored switch
    {
        null or Allow => Overlap.Allow,
        Skip => Overlap.Skip,
        QueueOne => Overlap.QueueOne,
        _ => throw new InvalidOperationException(
            $"The database holds an overlap that this version does not know: '{stored}'. Upgrade this application: a newer version wrote "
            + "the row."),
    };
}
