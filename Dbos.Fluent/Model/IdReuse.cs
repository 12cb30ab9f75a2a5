namespace Dbos.Fluent;

/// <summary>What a start does when its id is in use.</summary>
public enum IdReuse
{
    /// <summary>
    /// Attaches to the workflow that has the id, whatever its state. That workflow does not change, and the new input is ignored.
    /// </summary>
    ReturnExisting,

    /// <summary>Refuses the start with a <see cref="WorkflowIdInUseException"/>.</summary>
    Reject,
}
