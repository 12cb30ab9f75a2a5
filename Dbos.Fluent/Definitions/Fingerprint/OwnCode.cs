using System.Reflection;

namespace Dbos.Fluent.Definitions;

/// <summary>Which methods belong to a workflow's own code.</summary>
internal static class OwnCode
{
    /// <summary>Whether a method that the code refers to is part of it.</summary>
    public static bool Includes(MethodBase method, Module by) =>
        MemberNames.IsGenerated(method) || (method.Module == by && MakesSteps(method));

    /// <summary>Whether a method that a definition is given as a delegate is part of the code.</summary>
    /// <remarks>
    /// A method of general use that is given by its name, such as <c>Convert.ToString</c>, is not. One without a type was made while the
    /// program runs, and is unknown.
    /// </remarks>
    public static bool MayBeGiven(MethodInfo method) =>
        method.DeclaringType is null
        || MemberNames.IsGenerated(method)
        || MakesSteps(method)
        || method.GetParameters().Any(parameter => parameter.ParameterType.Assembly == typeof(Step).Assembly);

    /// <summary>Whether a type is that of steps, or holds them.</summary>
    public static bool IsOfSteps(Type type) =>
        typeof(Step).IsAssignableFrom(type)
        || (type.IsGenericType && (type.GetGenericTypeDefinition() == typeof(StepOr<>) || type.GetGenericArguments().Any(IsOfSteps)))
        || (type.IsArray && IsOfSteps(type.GetElementType()!));

    private static bool MakesSteps(MethodBase method) =>
        !method.IsAbstract && method is MethodInfo { ReturnType: var type } && IsOfSteps(type);
}
