using Dbos.Fluent.Model;

namespace Dbos.Fluent.Tests.Properties;

/// <summary>A random row of <c>workflow_status</c> with all that a filter can ask for.</summary>
internal sealed record ListedRow(int Number, string Id, WorkflowState State, string Name, long CreatedMs, long? CompletedMs)
{
    public string? Queue { get; init; }

    public string? Executor { get; init; }

    public string? Version { get; init; }

    public string? Parent { get; init; }

    public string? ForkedFrom { get; init; }

    public string? Schedule { get; init; }

    public string? Partition { get; init; }

    public string? Deduplication { get; init; }

    public string? Tenant { get; init; }

    public bool Parked { get; init; }

    private static readonly string[] Prefixes = ["a", "A", "a%", "a_", "ab", "\u00e4"];

    public static ListedRow Make(Random random, int number)
    {
        var state = random.GetItems(Enum.GetValues<WorkflowState>(), 1)[0];
        return new ListedRow(
            number,
            $"{random.GetItems(Prefixes, 1)[0]}{number}",
            state,
            $"n{random.Next(3)}",
            1_000 + random.Next(40),
            state.IsTerminal() ? 2_000 + random.Next(40) : null)
        {
            Queue = Some("q"),
            Executor = Some("e"),
            Version = Some("v"),
            Parent = Some("p"),
            ForkedFrom = Some("f"),
            Schedule = Some("s"),
            Partition = Some("k"),
            Deduplication = random.Next(3) == 0 ? $"d{number}" : null,
            Tenant = Some("t"),
            Parked = state == WorkflowState.Delayed && random.Next(2) == 0,
        };

        string? Some(string letter) => random.Next(3) == 0 ? null : $"{letter}{random.Next(2)}";
    }

    /// <summary>The row as a list of SQL values, in the order of <see cref="Columns"/>.</summary>
    public string Values => string.Join(
        ", ",
        [
            Text(Id), Text(State.ToStored()), Text(Name), $"{CreatedMs}", $"{CreatedMs}", CompletedMs?.ToString() ?? "NULL", Text(Queue),
            Text(Executor), Text(Version), Text(Parent), Text(ForkedFrom), Text(Schedule), Text(Partition), Text(Deduplication),
            Tenant is null ? "NULL" : $$"""'{"tenant": "{{Tenant}}", "n": {{Number}}}'""",
        ]);

    public const string Columns =
        "workflow_uuid, status, name, created_at, updated_at, completed_at, queue_name, executor_id, application_version, "
        + "parent_workflow_id, forked_from, schedule_name, queue_partition_key, deduplication_id, attributes";

    /// <summary>What a filter means, said once more and in another way than in SQL.</summary>
    public bool IsMeant(WorkflowFilter filter) =>
        (filter.Ids is null || filter.Ids.Contains(Id))
        && (filter.IdPrefix is null || Id.StartsWith(filter.IdPrefix, StringComparison.Ordinal))
        && (filter.States is null || filter.States.Contains(State))
        && Is(filter.Name, Name) && Is(filter.Queue, Queue) && Is(filter.ExecutorId, Executor) && Is(filter.ApplicationVersion, Version)
        && Is(filter.ParentId, Parent) && Is(filter.ForkedFrom, ForkedFrom) && Is(filter.ScheduleName, Schedule)
        && Is(filter.PartitionKey, Partition) && Is(filter.DeduplicationId, Deduplication)
        && (!filter.QueuedOnly || (Queue is not null && !State.IsTerminal() && !Parked))
        && !(CreatedMs < filter.CreatedAfter?.ToUnixTimeMilliseconds()) && !(CreatedMs >= filter.CreatedBefore?.ToUnixTimeMilliseconds())
        && (filter.CompletedAfter is null || CompletedMs >= filter.CompletedAfter.Value.ToUnixTimeMilliseconds())
        && (filter.CompletedBefore is null || CompletedMs < filter.CompletedBefore.Value.ToUnixTimeMilliseconds())
        && (filter.Attributes is null || Is($"{filter.Attributes["tenant"]}", Tenant));

    public string? Key(CountBy by) => by switch
    {
        CountBy.Status => State.ToStored(),
        CountBy.Name => Name,
        CountBy.Queue => Queue,
        _ => Version,
    };

    private static bool Is(string? asked, string? found) => asked is null || asked == found;

    private static string Text(string? value) => value is null ? "NULL" : $"'{value}'";
}
