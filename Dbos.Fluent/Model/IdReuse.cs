namespace Dbos.Fluent;

/// <summary>What a start does when its id is in use.</summary>
public enum IdReuse
{
    /// <summary>Attach to the workflow that has the id, whatever its state; nothing of it changes and the new input is ignored.</summary>
    ReturnExisting,

    /// <summary>Refuse the start with a <see cref="WorkflowIdInUseException"/>.</summary>
    Reject,
}
