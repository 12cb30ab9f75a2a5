namespace Dbos.Fluent;

/// <summary>What registering a queue does when a row of that name exists already.</summary>
public enum OnConflict
{
    /// <summary>Overwrites its limits if this engine runs the latest registered version of the application; otherwise keeps them.</summary>
    UpdateIfLatestVersion,

    /// <summary>Overwrites its limits.</summary>
    AlwaysUpdate,

    /// <summary>Keeps its limits.</summary>
    NeverUpdate,
}
