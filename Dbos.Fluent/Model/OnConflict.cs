namespace Dbos.Fluent;

/// <summary>What registering a queue does with the row of that name that is there already.</summary>
public enum OnConflict
{
    /// <summary>Overwrites its limits if this engine runs the latest registered version of the application; else leaves them.</summary>
    UpdateIfLatestVersion,

    /// <summary>Overwrites its limits.</summary>
    AlwaysUpdate,

    /// <summary>Leaves its limits as they are.</summary>
    NeverUpdate,
}
