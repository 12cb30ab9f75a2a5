namespace Dbos.Fluent.Storage.Sqlite;

/// <summary>A workflow's position in a line: by priority, then age, then id.</summary>
internal readonly record struct LinePlace(long Priority, long CreatedAtMs, string WorkflowId) : IComparable<LinePlace>
{
    public static LinePlace BeforeAll { get; } = new(long.MinValue, long.MinValue, "");

    public static LinePlace BehindAll { get; } = new(long.MaxValue, long.MaxValue, "");

    public int CompareTo(LinePlace other) => (Priority, CreatedAtMs).CompareTo((other.Priority, other.CreatedAtMs)) is var order and not 0
        ? order
        : string.CompareOrdinal(WorkflowId, other.WorkflowId);
}
