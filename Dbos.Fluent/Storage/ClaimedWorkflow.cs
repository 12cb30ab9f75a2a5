using Dbos.Fluent.Model;

namespace Dbos.Fluent.Storage;

/// <summary>A workflow to run, with what its owner needs.</summary>
internal sealed record ClaimedWorkflow
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    /// <summary>The token of this execution.</summary>
    public required string Token { get; init; }

    /// <summary>The encoded input, from <c>workflow_input</c> or, for old rows, from <c>workflow_status</c>.</summary>
    public required Payload Input { get; init; }

    /// <summary>The number of this run: recovery attempts, including this claim.</summary>
    public required int Attempt { get; init; }

    public required WorkflowOrigin Origin { get; init; }

    /// <summary>True if certainly no executor has ever run it, so that it has no history to read.</summary>
    public bool NeverRan { get; init; }

    /// <summary>How often it has continued as new.</summary>
    public int Generation { get; init; }

    public string? Queue { get; init; }

    public string? PartitionKey { get; init; }

    public string? ParentId { get; init; }

    public long? DeadlineMs { get; init; }
}

/// <summary>What seeds a workflow's deterministic clock, ids and random numbers.</summary>
/// <param name="Seed">Any 64 bits, the same for each run.</param>
/// <param name="StartedAtMs">When the execution that first ran the prefix started.</param>
internal readonly record struct WorkflowOrigin(long Seed, long StartedAtMs)
{
    /// <summary>
    /// The origin of a workflow that was started directly. It is derived from its row, so it is not stored. The creation time is part of
    /// it, so that a workflow started again under a deleted id generates other ids than the first.
    /// </summary>
    public static WorkflowOrigin OfDirectStart(string workflowId, long createdAtMs)
    {
        // FNV-1a over the id, then the time: stable on every platform and version, which string.GetHashCode is not.
        var hash = 14695981039346656037UL;
        foreach (var character in workflowId)
        {
            hash = (hash ^ character) * 1099511628211UL;
        }

        hash = (hash ^ (ulong)createdAtMs) * 1099511628211UL;
        return new WorkflowOrigin(unchecked((long)hash), createdAtMs);
    }

    /// <summary>The origin of the next generation, derived from this one and the number, so that a retry gives the same.</summary>
    public WorkflowOrigin Next(int generation, long startedAtMs)
    {
        var mixed = ((ulong)Seed ^ ((ulong)generation * 0x9E3779B97F4A7C15UL)) * 1099511628211UL;
        return new WorkflowOrigin(unchecked((long)(mixed ^ (mixed >> 29))), startedAtMs);
    }
}
