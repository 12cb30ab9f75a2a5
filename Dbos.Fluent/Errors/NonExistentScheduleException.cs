namespace Dbos.Fluent;

/// <summary>No schedule has this name.</summary>
public sealed class NonExistentScheduleException : DbosException
{
    internal NonExistentScheduleException(string scheduleName)
        : base(
            "DBOS5006",
            $"There is no schedule '{scheduleName}' in this database. Check the name, or create it first (Schedules.CreateAsync).") =>
        ScheduleName = scheduleName;

    /// <summary>The name that no schedule has.</summary>
    public string ScheduleName { get; }

    internal override IReadOnlyDictionary<string, string> Facts => new Dictionary<string, string> { ["scheduleName"] = ScheduleName };
}
